import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { identityOf, isAlive } from './process-identity.ts';

describe('a process', () => {
  test('is alive until it has ended', async () => {
    const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    await once(child, 'spawn');
    const identity = identityOf(child.pid ?? 0);
    assert.ok(identity !== undefined && isAlive(identity));
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.equal(isAlive(identity), false);
  });

  test('that is a zombie is not alive', { skip: process.platform !== 'linux' }, async () => {
    // The shell's child ends when its input does; the shell has become something that never waits for it.
    const shell = spawn('sh', ['-c', 'exec 3<&0; head -c1 <&3 >/dev/null & echo $!; exec sleep 60']);
    try {
      const identity = identityOf(Number(String((await once(shell.stdout, 'data'))[0])));
      assert.ok(identity !== undefined && isAlive(identity));
      shell.stdin.end('x');
      while (isAlive(identity)) await new Promise((resolve) => setImmediate(resolve));
      process.kill(identity.pid, 0); // it is still listed
    } finally {
      shell.kill('SIGKILL');
    }
  });

  test('differs if it started at another time or in another boot', () => {
    const identity = identityOf(process.pid);
    assert.ok(identity !== undefined && isAlive(identity));
    assert.equal(isAlive({ ...identity, startTime: `${identity.startTime}0` }), false);
    assert.equal(isAlive({ ...identity, bootId: 'another' }), false);
    assert.equal(isAlive({ ...identity, pid: process.ppid }), false);
  });

  test('of an unused id has no identity', () => {
    assert.equal(identityOf(0x3f_ff_ff_ff), undefined);
  });
});
