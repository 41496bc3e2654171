import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { statfs } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { KEY, testStore } from '../../../test/fixtures/store.ts';
import { DiskFullError, EncryptedDatabase } from '../index.ts';

const run = promisify(execFile);
const CHILD = fileURLToPath(new URL('../../../test/fixtures/failing-disk-process.ts', import.meta.url));

/** The reason why `command` cannot be used here; `undefined` if it can. */
async function missing(command: string, ...args: string[]): Promise<string | undefined> {
  return await run(command, args, { timeout: 10_000 }).then(
    () => undefined,
    (error: unknown) => `${command} does not work here: ${String(error).split('\n')[0]}`,
  );
}

const noStrace = await missing('strace', '-f', '-o', '/dev/null', 'true');

interface Found {
  readonly answered: readonly number[];
  readonly answeredAfter: number;
  readonly refusals: readonly string[];
  readonly state: string;
  readonly readable: number;
}

async function assertKept(database: EncryptedDatabase, answered: readonly number[]): Promise<void> {
  const { rows } = await database.execute<{ n: number }>('SELECT n FROM kept');
  const stored = new Set(rows.map(({ n }) => n));
  assert.deepEqual(
    answered.filter((n) => !stored.has(n)),
    [],
  );
  assert.deepEqual((await database.execute('PRAGMA integrity_check')).rows, [{ integrity_check: 'ok' }]);
}

describe('a failed fsync', { skip: noStrace }, () => {
  for (const [which, when, only] of [
    ['of a commit', '40+', '-wal'],
    ['of the file, when the log is written back into it', '1+', ''],
  ] as const)
    test(`${which} stops acknowledgements, and all acknowledged writes are stored`, async (t) => {
      const store = await testStore(t);
      await (await store.open()).close();
      const inject = ['-e', 'trace=fsync,fdatasync', '-e', `inject=fsync,fdatasync:error=EIO:when=${when}`];
      const { stdout } = await run(
        'strace',
        ['-f', '-o', '/dev/null', '-P', store.file + only, ...inject, process.execPath, CHILD, store.file],
        { timeout: 60_000 },
      );
      const found = JSON.parse(stdout) as Found;
      assert.deepEqual(found.refusals, ['AICO_DATA_STORAGE_FAILED']);
      assert.equal(found.state, 'failed');
      assert.equal(found.answeredAfter, 0);
      assert.ok(found.answered.length >= 20);
      assert.ok(found.readable >= found.answered.length);
      await assertKept(await store.open(), found.answered);
    });
});

/** Mounts a file system of a few megabytes for the test, or returns the reason why it cannot. */
async function smallDisk(folder: string): Promise<(() => Promise<unknown>) | string> {
  const refused = await missing('mount', '-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', folder);
  return refused ?? (() => run('umount', [folder]));
}

test('a full disk makes the database read-only without a loss, and writes continue when there is space', async (t) => {
  const store = await testStore(t);
  const unmount = await smallDisk(store.folder);
  if (typeof unmount === 'string') return t.skip(unmount);
  const database = await EncryptedDatabase.open({ file: store.file, key: KEY, roomCheckMs: 5 });
  try {
    await database.execute('CREATE TABLE kept (n INTEGER PRIMARY KEY, v BLOB)');
    const filler = path.join(store.folder, 'filler');
    await run('dd', ['if=/dev/zero', `of=${filler}`, 'bs=1024', 'count=2500']);
    const answered: number[] = [];
    let next = 1;
    let inTransaction = 0;
    const writer = async (): Promise<void> => {
      try {
        for (;;) {
          const n = next;
          next += 1;
          if (n % 5 === 0)
            await database.transaction(async (tx) => {
              await tx.execute('INSERT INTO kept VALUES (?, zeroblob(2000))', [n]);
              await tx.execute('INSERT INTO kept VALUES (?, zeroblob(2000))', [-n]);
            });
          else await database.execute('INSERT INTO kept VALUES (?, zeroblob(2000))', [n]);
          if (n % 5 === 0) inTransaction += 1;
          answered.push(n);
        }
      } catch (error) {
        assert.ok(error instanceof DiskFullError, String(error));
      }
    };
    await Promise.all(Array.from({ length: 16 }, writer));
    assert.ok(answered.length > 50 && inTransaction > 5);
    assert.equal(database.state.kind, 'read-only');
    await assert.rejects(database.execute('INSERT INTO kept VALUES (-1, NULL)'), DiskFullError);
    await assert.rejects(
      database.transaction((tx) => tx.execute('SELECT 1')),
      DiskFullError,
    );
    await assertKept(database, answered);
    const { bavail, bsize } = await statfs(store.folder);
    assert.ok(bavail * bsize < 1024 * 1024, 'the disk is really full');
    await run('rm', [filler]);
    const kind = (): string => database.state.kind;
    while (kind() !== 'ready') await nextTurn();
    await database.execute('INSERT INTO kept VALUES (1000000, NULL)');
    for (const n of answered)
      if (n % 5 === 0)
        assert.equal((await database.execute('SELECT n FROM kept WHERE n = ?', [-n])).rows.length, 1);
    await database.close();
    const again = await EncryptedDatabase.open({ file: store.file, key: KEY });
    try {
      await assertKept(again, [...answered, 1_000_000]);
    } finally {
      await again.close();
    }
  } finally {
    await database.close().catch(() => undefined);
    await unmount();
  }
});
