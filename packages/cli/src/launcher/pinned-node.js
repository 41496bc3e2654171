// Runs on Node versions that cannot load the rest of the project: plain JavaScript, and only what Node 16 has.
import { spawn } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants as system } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * Replaces this process by the Node that `npm ci` installed with the project, running the same command line. Where Node
 * cannot replace its process, the pinned one runs as a child: it has the same terminal, files and environment, signals are
 * passed on, and this process ends as the child ended.
 *
 * @param {number} oldest the oldest major version of Node that runs the project
 */
export function runOnPinnedNode(oldest) {
  const node = findPinnedNode(oldest);
  if (node === undefined) {
    refuse(oldest, 'npm ci installs one with the project where there is one for this platform.');
  } else if (typeof process.execve === 'function' && process.platform !== 'win32') {
    const bin = fileURLToPath(new URL('../../bin/aico.js', import.meta.url));
    process.execve(node, [node, ...process.execArgv, bin, ...process.argv.slice(2)], process.env);
  } else {
    runAsChild(node, oldest);
  }
}

/** The program of the package that package.json pins for this platform; `undefined` where it is not installed or too old. */
function findPinnedNode(oldest) {
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  try {
    const require = createRequire(import.meta.url);
    const manifest = require.resolve(`node-${platform}-${process.arch}/package.json`);
    const program = path.join(
      path.dirname(manifest),
      'bin',
      process.platform === 'win32' ? 'node.exe' : 'node',
    );
    accessSync(program, constants.X_OK);
    const { version } = JSON.parse(readFileSync(manifest, 'utf8'));
    return Number(version.split('.')[0]) >= oldest ? program : undefined;
  } catch {
    return undefined;
  }
}

function runAsChild(node, oldest) {
  const main = fileURLToPath(new URL('./launched.js', import.meta.url));
  const child = spawn(node, [...process.execArgv, main, ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  let signalled = false;
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      // A terminal and a service manager signal the child as well, and a second signal makes a backend leave at once. So the
      // first is passed on as a message, which the child ignores when it has had the signal itself.
      if (!signalled && child.connected) child.send({ signal });
      else child.kill(signal);
      signalled = true;
    });
  }
  child.once('error', (error) => {
    refuse(
      oldest,
      `The one that is installed with the project (${node}) cannot be started: ${error.message}`,
    );
  });
  child.once('exit', (code, signal) => {
    if (signal === null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
    // Where the signal is one that does not end this process.
    setTimeout(() => process.exit(128 + system.signals[signal]), 1_000);
  });
}

function refuse(oldest, why) {
  process.stderr.write(
    `aico needs Node ${oldest} or newer; this is Node ${process.versions.node} (${process.execPath}).\n${why}\n`,
  );
  process.exit(2);
}
