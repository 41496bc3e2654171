import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { createTestHome } from '../testing/test-home.ts';
import { readInstance } from './instance-file.ts';
import { InstanceLock, InstanceLockError, InstanceRunningError } from './instance-lock.ts';

async function files(t: TestContext) {
  const home = await createTestHome();
  t.after(() => home.remove());
  return { lockFile: path.join(home.folder, 'lock'), instanceFile: path.join(home.folder, 'instance.json') };
}

describe('InstanceLock', () => {
  test('a second holder is refused, also in the same process, and may have it after release', async (t) => {
    const { lockFile, instanceFile } = await files(t);
    const lock = new InstanceLock(lockFile, instanceFile);
    assert.equal((await stat(lockFile)).mode & 0o777, 0o600);
    assert.throws(() => new InstanceLock(lockFile, instanceFile), InstanceRunningError);
    lock.release();
    new InstanceLock(lockFile, instanceFile).release();
  });

  test('the refusal names the process that runs, where its instance file says so', async (t) => {
    const { lockFile, instanceFile } = await files(t);
    using _lock = new InstanceLock(lockFile, instanceFile);
    const instance = { pid: 4711, startedAt: '2026-01-01T00:00:00Z', socket: '/s', http: 'http://h' };
    await writeFile(instanceFile, JSON.stringify(instance));
    assert.throws(
      () => new InstanceLock(lockFile, instanceFile),
      (error) =>
        error instanceof InstanceRunningError && error.pid === 4711 && /pid 4711/.test(error.message),
    );
  });

  test('kill -9 of the holder leaves nothing that keeps the next one out', async (t) => {
    const { lockFile, instanceFile } = await files(t);
    const source = `
      const { InstanceLock } = await import(${JSON.stringify(new URL('./instance-lock.ts', import.meta.url).href)});
      new InstanceLock(${JSON.stringify(lockFile)}, ${JSON.stringify(instanceFile)});
      process.stdout.write('held');
      process.stdin.resume();`;
    const holder = spawn(process.execPath, ['--input-type=module', '--eval', source], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await once(holder.stdout, 'data');
    assert.throws(() => new InstanceLock(lockFile, instanceFile), InstanceRunningError);
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    new InstanceLock(lockFile, instanceFile).release();
  });

  test('a lock file that cannot be one is its own error', async (t) => {
    const { lockFile, instanceFile } = await files(t);
    assert.throws(() => new InstanceLock(path.join(lockFile, 'x', 'y'), instanceFile), InstanceLockError);
    await writeFile(lockFile, 'this is no SQLite file, and long enough to be read as one'.repeat(20));
    assert.throws(() => new InstanceLock(lockFile, instanceFile), InstanceLockError);
  });
});

test('an instance file that is absent, cut or something else says nothing', async (t) => {
  const { instanceFile } = await files(t);
  assert.equal(readInstance(instanceFile), undefined);
  for (const text of ['', '{"pid":', '[]', 'null', '{"pid":"1"}', '{"pid":1,"startedAt":"x"}']) {
    await writeFile(instanceFile, text);
    assert.equal(readInstance(instanceFile), undefined, text);
  }
});
