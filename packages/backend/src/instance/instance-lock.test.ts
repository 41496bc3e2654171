import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { createTestHome } from '../testing/test-home.ts';
import { InstanceLockError, InstanceRunningError } from './errors.ts';
import { findHolder, type HomeFiles } from './home-holder.ts';
import { readInstance } from './instance-file.ts';
import { InstanceLock } from './instance-lock.ts';
import { identityOf } from './process-identity.ts';

async function files(t: TestContext) {
  const home = await createTestHome();
  t.after(() => home.remove());
  const place = (name: string): string => path.join(home.folder, name);
  return { lockFile: place('lock'), instanceFile: place('instance.json'), databaseFile: place('aico.db') };
}

const url = (name: string): string => JSON.stringify(new URL(name, import.meta.url).href);

/** Another process that runs `source` and says when it has; ends with the test. */
async function other(
  t: TestContext,
  source: string,
  under: readonly string[] = [],
): Promise<ReturnType<typeof spawn>> {
  const [program = process.execPath, ...args] = [...under, process.execPath, '--input-type=module', '--eval'];
  const child = spawn(
    program,
    [...args, `${source}; process.stdout.write('done'); process.stdin.resume();`],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return child;
}
// Held by a name, as a database is below: one without a reference is closed by the garbage collector.
const locking = (home: HomeFiles): string =>
  `const { InstanceLock } = await import(${url('./instance-lock.ts')}); globalThis.held = new InstanceLock(${JSON.stringify(home)})`;
const run = promisify(execFile);
const noStrace = (() => {
  try {
    execFileSync('strace', ['-f', '-o', '/dev/null', 'true'], { stdio: 'ignore' });
    return false;
  } catch (error) {
    return `strace does not work here: ${String(error)}`;
  }
})();
const onLinux = process.platform === 'linux' ? false : 'only Linux tells who holds a lock';

describe('InstanceLock', () => {
  test('a second holder is refused, also in the same process, and can lock it after the release', async (t) => {
    const home = await files(t);
    const lock = new InstanceLock(home);
    assert.equal((await stat(home.lockFile)).mode & 0o777, 0o600);
    assert.throws(() => new InstanceLock(home), InstanceRunningError);
    lock.release();
    new InstanceLock(home).release();
  });

  test('the refusal names the process that holds the lock, whatever the instance file says', {
    skip: onLinux,
  }, async (t) => {
    const home = await files(t);
    const holder = await other(t, locking(home));
    const instance = { pid: 4711, startedAt: '2026-01-01T00:00:00Z', socket: '/s', http: 'http://h' };
    await writeFile(home.instanceFile, JSON.stringify(instance));
    assert.throws(
      () => new InstanceLock(home),
      (error) => error instanceof InstanceRunningError && error.pid === holder.pid,
    );
    assert.equal(findHolder(home)?.pid, holder.pid);
  });

  test('after the lock file was removed, the open database keeps another process out', {
    skip: onLinux,
  }, async (t) => {
    const home = await files(t);
    const holder = await other(
      t,
      `${locking(home)}; const { default: Driver } = await import(${JSON.stringify(import.meta.resolve('better-sqlite3-multiple-ciphers'))});
       const database = (globalThis.database = new Driver(${JSON.stringify(home.databaseFile)})); database.pragma('journal_mode = WAL');
       database.exec('CREATE TABLE t (x)'); database.prepare('SELECT * FROM t').all()`,
    );
    await rm(home.lockFile);
    assert.throws(
      () => new InstanceLock(home),
      (error) => error instanceof InstanceRunningError && error.pid === holder.pid,
    );
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    new InstanceLock(home).release();
  });

  test('a lock file that was replaced is noticed by its holder', async (t) => {
    const home = await files(t);
    using lock = new InstanceLock(home);
    assert.equal(lock.isInPlace, true);
    await rename(home.lockFile, `${home.lockFile}.old`);
    assert.equal(lock.isInPlace, false);
    await writeFile(home.lockFile, '');
    assert.equal(lock.isInPlace, false);
  });

  test('a file system without locks is distinguished from another backend', { skip: noStrace }, async (t) => {
    const home = await files(t);
    const { stderr } = await run(
      'strace',
      [
        ...['-f', '-o', '/dev/null', '-P', home.lockFile, '-e', 'inject=fcntl:error=ENOLCK'],
        ...[process.execPath, '--input-type=module', '--eval'],
        `${locking(home)}`,
      ],
      { timeout: 30_000 },
    ).catch((error: { stderr: string }) => error);
    assert.match(stderr, /AICO_INSTANCE_LOCK/);
    assert.match(stderr, /the file system cannot lock files/);
  });

  test('kill -9 of the holder leaves nothing that blocks the next one', async (t) => {
    const home = await files(t);
    const holder = await other(t, locking(home));
    assert.throws(() => new InstanceLock(home), InstanceRunningError);
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    new InstanceLock(home).release();
  });

  test('a lock file that cannot be one is its own error', async (t) => {
    const home = await files(t);
    assert.throws(
      () => new InstanceLock({ ...home, lockFile: path.join(home.lockFile, 'x', 'y') }),
      InstanceLockError,
    );
    await writeFile(home.lockFile, 'this is no SQLite file, and long enough to be read as one'.repeat(20));
    assert.throws(() => new InstanceLock(home), InstanceLockError);
  });
});

test('a missing, truncated or invalid instance file is ignored', async (t) => {
  const { instanceFile } = await files(t);
  assert.equal(readInstance(instanceFile), undefined);
  for (const text of ['', '{"pid":', '[]', 'null', '{"pid":"1"}', '{"pid":1,"startedAt":"x"}']) {
    await writeFile(instanceFile, text);
    assert.equal(readInstance(instanceFile), undefined, text);
  }
});

test('a process with the same id but another start time is not the holder', async (t) => {
  const home = await files(t);
  const innocent = await other(t, '');
  const { pid } = innocent;
  assert.ok(pid !== undefined);
  const instance = { pid, startedAt: new Date().toISOString(), socket: '/s', http: 'http://h' };
  await writeFile(home.instanceFile, JSON.stringify(instance));
  assert.equal(findHolder(home), undefined);
  // Even with the right time of start: it has none of the home's files open.
  await writeFile(home.instanceFile, JSON.stringify({ ...instance, process: identityOf(pid) }));
  assert.equal(findHolder(home)?.pid, process.platform === 'linux' ? undefined : pid);
});
