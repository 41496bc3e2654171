#!/usr/bin/env node
// Plain JavaScript that an older Node can parse as well: it starts the Node that was installed with the project.
const OLDEST_NODE = 24;
// Node opens its inspector at this signal, to every user of the machine, unless there is a listener.
process.on('SIGUSR1', () => {});
if (Number(process.versions.node.split('.')[0]) < OLDEST_NODE) {
  const { runOnPinnedNode } = await import('../src/launcher/pinned-node.js');
  runOnPinnedNode(OLDEST_NODE);
} else {
  // Compiled code that is kept between runs halves the time to start.
  (await import('../src/launcher/compile-cache.js')).keepCompiledCode();
  await import('../src/main.ts');
}
