import assert from 'node:assert/strict';
import { chmod, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import Driver from 'better-sqlite3-multiple-ciphers';
import { KEY, type TestStore, testStore } from '../../../test/fixtures/store.ts';
import {
  type CipherName,
  DatabaseCipherError,
  DatabaseCorruptError,
  DatabaseGoneError,
  DatabaseHeadError,
  DatabaseHeadMissingError,
  DatabaseKeyWrongError,
  DatabaseOpenError,
  DatabaseOpenTwiceError,
  DatabaseReplacedError,
  EncryptedDatabase,
  NotADatabaseError,
  PlaintextDatabaseError,
} from '../index.ts';

const OTHER_KEY = KEY.map((byte) => byte ^ 0xff);
const CANARY = 'canary: the heron stood in the reeds until dusk';

async function filled(store: TestStore, cipher: CipherName = 'aegis'): Promise<Buffer> {
  const db = await store.open({ cipher });
  await db.execute('CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT)');
  await db.execute(
    'INSERT INTO note (text) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400) SELECT ? || i FROM n',
    [CANARY],
  );
  await db.close();
  return await readFile(store.file);
}

for (const cipher of ['aegis', 'sqlcipher'] as const)
  describe(`a file of ${cipher}`, () => {
    test('opened with a wrong key is refused with that reason and unchanged', async (t) => {
      const store = await testStore(t);
      const before = await filled(store, cipher);
      await assert.rejects(store.open({ cipher, key: OTHER_KEY }), DatabaseKeyWrongError);
      const head = await readFile(`${store.file}.head`);
      await rm(`${store.file}.head`);
      await assert.rejects(store.open({ cipher, key: OTHER_KEY }), DatabaseKeyWrongError);
      assert.deepEqual(await readFile(store.file), before);
      await writeFile(`${store.file}.head`, head);
      const db = await store.open({ cipher });
      assert.equal((await db.execute('SELECT count(*) AS n FROM note')).fetchOne()?.n, 400);
    });

    test('with a flipped bit in its first page is refused as damaged', async (t) => {
      const store = await testStore(t);
      const good = await filled(store, cipher);
      // Contradictions to the head are refused at once; any other damage is found by the engine.
      const inHead = cipher === 'aegis' ? Array.from({ length: 24 }, (_, index) => index) : [0, 20];
      const places = [...inHead, 24, 1_000, 4_095];
      for (const at of places) {
        const bad = Buffer.from(good);
        bad.writeUInt8(bad.readUInt8(at) ^ (1 << (at % 8)), at);
        await writeFile(store.file, bad);
        await assert.rejects(store.open({ cipher }), (error) => {
          assert.ok(
            error instanceof DatabaseCorruptError || error instanceof NotADatabaseError,
            `byte ${at}: ${String(error)}`,
          );
          return true;
        });
        assert.deepEqual(await readFile(store.file), bad, 'the file is untouched');
      }
    });

    test('with flipped bits or swapped pages never returns a wrong row', async (t) => {
      const store = await testStore(t);
      const good = await filled(store, cipher);
      const pages = good.byteLength / 4_096;
      assert.ok(pages > 5);
      const rows = async (): Promise<number> => {
        const db = await store.open({ cipher });
        try {
          const { rows: found } = await db.execute<{ text: string }>('SELECT text FROM note ORDER BY id');
          for (const [index, { text }] of found.entries()) assert.equal(text, `${CANARY}${index + 1}`);
          return found.length;
        } finally {
          await db.close();
        }
      };
      for (let page = 1; page < pages; page += 2) {
        const bad = Buffer.from(good);
        const at = page * 4_096 + ((page * 997) % 4_096);
        bad.writeUInt8(bad.readUInt8(at) ^ 1, at);
        await writeFile(store.file, bad);
        const found = await rows().catch((error: unknown) => error);
        assert.ok(found instanceof DatabaseCorruptError || found === 400, `page ${page}: ${String(found)}`);
      }
      const swapped = Buffer.from(good);
      // The last two, which the rows are on.
      good.copy(swapped, (pages - 2) * 4_096, (pages - 1) * 4_096, pages * 4_096);
      good.copy(swapped, (pages - 1) * 4_096, (pages - 2) * 4_096, (pages - 1) * 4_096);
      await writeFile(store.file, swapped);
      await assert.rejects(rows(), DatabaseCorruptError);
    });

    test('contains neither rows nor the key in plaintext in any file, including the log', async (t) => {
      const store = await testStore(t);
      const db = await store.open({ cipher });
      await db.execute('CREATE TABLE note (text TEXT)');
      await db.execute('CREATE VIRTUAL TABLE found USING fts5 (text)');
      for (const table of ['note', 'found']) await db.execute(`INSERT INTO ${table} VALUES (?)`, [CANARY]);
      const hex = Buffer.from(KEY).toString('hex');
      const needles = [
        Buffer.from('heron stood'),
        Buffer.from('CREATE TABLE note'),
        Buffer.from('SQLite format 3'),
        Buffer.from(KEY),
        Buffer.from(hex),
        Buffer.from(hex.toUpperCase()),
        Buffer.from(Buffer.from(KEY).toString('base64').slice(0, 40)),
      ];
      const scan = async (): Promise<number> => {
        const names = await readdir(store.folder);
        for (const name of names) {
          const content = await readFile(path.join(store.folder, name));
          for (const needle of needles) assert.equal(content.indexOf(needle), -1, `${name} holds ${needle}`);
        }
        return names.length;
      };
      // Copies: to open and close the live file here would drop the engine's own locks on it.
      assert.ok((await stat(`${store.file}-wal`)).size > 0);
      const wal = await readFile(`${store.file}-wal`);
      for (const needle of needles) assert.equal(wal.indexOf(needle), -1);
      await db.close();
      assert.equal(await scan(), 2);
    });
  });

describe('a file that is not the expected database is refused with the reason', () => {
  test('a plaintext database', async (t) => {
    const store = await testStore(t);
    const plain = new Driver(store.file);
    plain.exec('CREATE TABLE t (a)');
    plain.close();
    await assert.rejects(store.open(), PlaintextDatabaseError);
  });

  test('random bytes, with and without the head of the former database', async (t) => {
    const store = await testStore(t);
    await writeFile(store.file, 'these are not the pages you are looking for');
    await assert.rejects(store.open(), NotADatabaseError);
    await rm(store.file);
    await filled(store);
    await writeFile(store.file, Buffer.alloc(40_960, 0xa5));
    await assert.rejects(store.open(), NotADatabaseError);
    await rm(`${store.file}.head`);
    await assert.rejects(store.open(), NotADatabaseError);
  });

  test('a folder, a missing folder, and a key of another length', async (t) => {
    const store = await testStore(t);
    await assert.rejects(store.open({ file: store.folder }), DatabaseOpenError);
    await assert.rejects(store.open({ file: path.join(store.folder, 'no', 'where.db') }), DatabaseOpenError);
    await assert.rejects(store.open({ key: KEY.subarray(1) }), RangeError);
  });

  test('a missing or empty database that existed before, which is not created again', async (t) => {
    const store = await testStore(t);
    await filled(store);
    await writeFile(store.file, '');
    await assert.rejects(store.open(), DatabaseGoneError);
    await rm(store.file);
    await assert.rejects(store.open(), DatabaseGoneError);
    assert.deepEqual(await readdir(store.folder), ['aico.db.head']);
  });

  test('a database of the other cipher', async (t) => {
    const store = await testStore(t);
    await filled(store, 'sqlcipher');
    await assert.rejects(store.open({ cipher: 'aegis' }), DatabaseCipherError);
  });

  test('an altered head, and a head of another database', async (t) => {
    const store = await testStore(t);
    await filled(store);
    const good = await readFile(`${store.file}.head`);
    const flipped = async (...places: number[]): Promise<unknown> => {
      const bad = Buffer.from(good);
      for (const at of places) bad.writeUInt8(bad.readUInt8(at) ^ 2, at);
      await writeFile(`${store.file}.head`, bad);
      return await store.open().then(
        (db) => db.close(),
        (error: unknown) => error,
      );
    };
    for (let at = 0; at < 1_024; at += 40) {
      const error = await flipped(at);
      assert.ok(
        error instanceof DatabaseHeadError || error instanceof DatabaseCipherError,
        `byte ${at}: ${String(error)}`,
      );
    }
    // The two records of the commit counter: a power loss may tear one of them, not both.
    assert.equal(await flipped(1_040), undefined);
    assert.equal(await flipped(1_600), undefined);
    for (const [one, other] of [
      [1_030, 1_540],
      [1_060, 1_560],
      [1_535, 2_047],
    ] as const)
      assert.ok((await flipped(one, other)) instanceof DatabaseHeadError);
    await writeFile(`${store.file}.head`, good.subarray(0, 1_500));
    await assert.rejects(store.open(), DatabaseHeadError);
  });
});

test('a created file and its log have mode 0600, which opening restores', async (t) => {
  const store = await testStore(t);
  const db = await store.open();
  await db.execute('CREATE TABLE t (a)');
  for (const name of await readdir(store.folder))
    assert.equal((await stat(path.join(store.folder, name))).mode & 0o777, 0o600, name);
  await db.close();
  await chmod(store.file, 0o644);
  await store.open();
  assert.equal((await stat(store.file)).mode & 0o777, 0o600);
});

test('a process can open a file only once', async (t) => {
  const store = await testStore(t);
  const db = await store.open();
  await assert.rejects(EncryptedDatabase.open({ file: store.file, key: KEY }), DatabaseOpenTwiceError);
  await db.execute('CREATE TABLE t (a)');
  await db.close();
  await (await store.open()).check();
});

test('the next start completes or repeats a creation that was interrupted at any step', async (t) => {
  const store = await testStore(t);
  await filled(store);
  const head = `${store.file}.head`;
  // Interrupted before the head was written: the file may be incomplete and contains no data.
  await rename(store.file, `${store.file}.new`);
  await rename(head, `${head}.away`);
  const reopened = await store.open();
  assert.deepEqual((await reopened.status()).tables, []);
  await reopened.close();
  // Interrupted before the database was renamed.
  await rename(store.file, `${store.file}.new`);
  const finished = await store.open();
  assert.deepEqual((await finished.status()).tables, []);
  await finished.close();
  // A head that has counted commits belongs to a database that had its name: no draft takes its place.
  await filled(store);
  await rename(store.file, `${store.file}.new`);
  await assert.rejects(store.open(), DatabaseGoneError);
});

test('a database without its head is not opened, and a log without its database does not start a new one', async (t) => {
  const store = await testStore(t);
  await filled(store);
  await rm(`${store.file}.head`);
  await assert.rejects(store.open(), DatabaseHeadMissingError);
  await assert.rejects(store.open({ key: OTHER_KEY }), DatabaseKeyWrongError);
  await rename(store.file, `${store.file}-wal`);
  await assert.rejects(store.open(), DatabaseGoneError);
});

describe('check()', () => {
  test('passes while the file exists', async (t) => {
    const store = await testStore(t);
    const db = await store.open();
    await db.execute('CREATE TABLE t (a)');
    await db.check();
    const status = await db.status();
    assert.deepEqual(
      [status.details.cipher, status.details['journal mode'], status.details.synchronous, status.tables],
      ['aegis', 'wal', 'full', [{ name: 't', rows: 0 }]],
    );
    assert.ok(status.bytes > 0 && Number(status.details['write-ahead log bytes']) > 0);
    assert.deepEqual([status.location, status.clear, status.capabilities.length], [store.file, [], 6]);
  });

  test('fails when the file or its log is deleted or replaced', async (t) => {
    for (const suffix of ['', '-wal']) {
      const store = await testStore(t);
      const db = await store.open();
      await db.execute('CREATE TABLE t (a)');
      await rename(`${store.file}${suffix}`, `${store.file}.away`);
      await assert.rejects(db.check(), DatabaseGoneError);
      await writeFile(`${store.file}${suffix}`, await readFile(`${store.file}.away`));
      await assert.rejects(db.check(), DatabaseReplacedError);
      await rm(`${store.file}${suffix}`);
      await rename(`${store.file}.away`, `${store.file}${suffix}`);
      await db.check();
    }
  });
});
