import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { AICOKeyManager, COST_FLOOR } from '../../security/index.ts';
import { EncryptedDatabase } from '../encrypted-database.ts';
import type { CipherName } from '../engine/wire.ts';
import { type RotationStep, recoverRotation, rotateKey } from './rotate-key.ts';

const STEPS: readonly RotationStep[] = [
  'staged',
  'copied',
  'head written',
  'head in place',
  'database in place',
  'promoted',
];

async function setUp(t: TestContext, cipher: CipherName = 'aegis') {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'aico-rotate-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'aico.db');
  const open = async () => {
    const keys = new AICOKeyManager({
      slotsFile: path.join(folder, 'slots.json'),
      keyFile: path.join(folder, 'key'),
      passwordCost: COST_FLOOR,
    });
    if (await keys.exists()) await keys.unlock();
    else await keys.setUp({ keyFile: true });
    return keys;
  };
  const withDatabase = async <T>(keys: AICOKeyManager, work: (db: EncryptedDatabase) => Promise<T>) => {
    const db = await EncryptedDatabase.open({ file, key: keys.databaseKey(), cipher });
    try {
      return await work(db);
    } finally {
      await db.close();
    }
  };
  const keys = await open();
  await withDatabase(keys, async (db) => {
    await db.migrate('test', [
      { id: '001', sql: 'CREATE TABLE t (a TEXT); CREATE VIRTUAL TABLE f USING fts5 (a)' },
    ]);
    for (let index = 0; index < 50; index += 1)
      await db.execute('INSERT INTO t VALUES (?)', [`row ${index}`]);
    await db.execute("INSERT INTO f VALUES ('find me')");
  });
  const rows = async (with_: AICOKeyManager) =>
    withDatabase(with_, async (db) => {
      const { rows: found } = await db.execute(
        "SELECT (SELECT count(*) FROM t) AS n, (SELECT a FROM f WHERE f MATCH 'find') AS a",
      );
      await db.execute('UPDATE t SET a = a WHERE rowid = 1');
      return found[0];
    });
  const leftovers = async () => (await readdir(folder)).filter((name) => name.includes('rotating'));
  return { file, keys, open, rows, leftovers };
}

const ALL = { n: 50, a: 'find me' };

describe('rotateKey', () => {
  for (const cipher of ['aegis', 'sqlcipher'] as const) {
    test(`encrypts every page with a new key (${cipher})`, async (t) => {
      const { file, keys, open, rows, leftovers } = await setUp(t, cipher);
      const before = keys.databaseKey();
      const bytes = await readFile(file);
      await rotateKey({ file, keys });
      const after = keys.databaseKey();
      assert.notDeepEqual(after, before);
      assert.equal(keys.nextDatabaseKey(), undefined);
      assert.ok(!bytes.subarray(4_096, 8_192).equals((await readFile(file)).subarray(4_096, 8_192)));
      await assert.rejects(EncryptedDatabase.open({ file, key: before, cipher }));
      assert.deepEqual(await rows(await open()), ALL);
      assert.deepEqual(await leftovers(), []);
    });
  }

  for (const step of STEPS) {
    test(`that dies after "${step}" leaves all rows under one key, without other files`, async (t) => {
      const { file, keys, open, rows, leftovers } = await setUp(t);
      // A crash runs no error handlers.
      const dying = new AICOKeyManagerStub(keys);
      await assert.rejects(
        rotateKey({
          file,
          keys: dying.keys,
          onStep: (reached) => {
            if (reached !== step) return;
            dying.die();
            throw new Error('dead');
          },
        }),
      );
      const next = await open();
      // An interrupted recovery is completed by the next one.
      await recoverRotation({
        file,
        keys: next,
        onStep: () => {
          throw new Error('dead again');
        },
      }).catch(() => undefined);
      const last = await open();
      await recoverRotation({ file, keys: last });
      assert.equal(last.nextDatabaseKey(), undefined);
      assert.deepEqual(await rows(last), ALL);
      assert.deepEqual(await leftovers(), []);
      await rotateKey({ file, keys: last });
      assert.deepEqual(await rows(await open()), ALL);
    });
  }

  test('does not change a database without a valid head', async (t) => {
    const { file, keys } = await setUp(t);
    await rm(`${file}.head`);
    const before = await readFile(file);
    await assert.rejects(rotateKey({ file, keys }), { code: 'AICO_DATA_HEAD_DAMAGED' });
    assert.ok(before.equals(await readFile(file)));
    assert.equal(keys.nextDatabaseKey(), undefined);
  });
});

/** The key manager of a simulated process, which rejects all calls after the process has died. */
class AICOKeyManagerStub {
  readonly keys: AICOKeyManager;
  #dead = false;

  constructor(keys: AICOKeyManager) {
    this.keys = new Proxy(keys, {
      get: (target, name) => {
        if (this.#dead) throw new Error('the process is gone');
        const member: unknown = Reflect.get(target, name);
        return typeof member === 'function' ? member.bind(target) : member;
      },
    });
  }

  die(): void {
    this.#dead = true;
  }
}
