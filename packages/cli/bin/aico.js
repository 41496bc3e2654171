#!/usr/bin/env node
// Plain JavaScript on purpose: it must parse on any Node, so that an old one gets a sentence, not a stack.
const NEEDED = 24;
const major = Number(process.versions.node.split('.')[0]);
if (major < NEEDED) {
  process.stderr.write(
    `aico needs Node ${NEEDED} or newer; this is Node ${process.versions.node} (${process.execPath}).\n` +
      'Run it as `npx aico …` or `npm start`: both use the Node that `npm ci` installed with the project.\n',
  );
  process.exit(2);
}
// At this signal Node would open its inspector, to every user of the machine, unless somebody listens.
process.on('SIGUSR1', () => {});
// Keeps what Node makes of the sources between runs, which halves the time to start.
(await import('../src/compile-cache.js')).keepCompiledCode();
await import('../src/main.ts');
