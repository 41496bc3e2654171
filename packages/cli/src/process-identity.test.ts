import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { isAlive, isProcessOf } from './process-identity.ts';

describe('a process', () => {
  test('is alive until it has ended', async () => {
    const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    await once(child, 'spawn');
    const { pid = 0 } = child;
    assert.equal(await isAlive(pid), true);
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.equal(await isAlive(pid), false);
  });

  test('that ended and was not waited for is not alive', { skip: process.platform !== 'linux' }, async () => {
    // The shell's child ends at once; the shell has become something that never waits for it.
    const shell = spawn('sh', ['-c', 'sleep 0 & echo $!; exec cat']);
    try {
      const pid = Number(String((await once(shell.stdout, 'data'))[0]));
      while (await isAlive(pid)) await new Promise((resolve) => setImmediate(resolve));
      process.kill(pid, 0); // it is still listed
    } finally {
      shell.kill('SIGKILL');
    }
  });

  test('is the one of an instant after its start, and not of one before it', async () => {
    const now = Date.now();
    const startedAt = now - process.uptime() * 1_000;
    assert.equal(await isProcessOf(process.pid, new Date(now).toISOString()), true);
    assert.equal(await isProcessOf(process.pid, new Date(startedAt + 500).toISOString()), true);
    assert.equal(await isProcessOf(process.pid, new Date(startedAt - 60_000).toISOString()), false);
    assert.equal(await isProcessOf(process.pid, 'nonsense'), false);
  });

  test('of a number that nobody has tells nothing', async () => {
    assert.equal(await isAlive(0x3f_ff_ff_ff), false);
    assert.equal(await isProcessOf(0x3f_ff_ff_ff, new Date().toISOString()), undefined);
  });
});
