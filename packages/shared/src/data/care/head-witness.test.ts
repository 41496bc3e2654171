import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { type Keyring, KeyringUnavailableError, openOsKeyring } from '../../security/index.ts';
import { EncryptedDatabase } from '../encrypted-database.ts';
import { acceptRollback } from './accept-rollback.ts';
import { DatabaseRolledBackError } from './errors.ts';
import { HeadWitness } from './head-witness.ts';

class MemoryKeyring implements Keyring {
  readonly held = new Map<string, Uint8Array>();

  async get(account: string): Promise<Uint8Array | undefined> {
    return this.held.get(account);
  }

  async set(account: string, secret: Uint8Array): Promise<void> {
    this.held.set(account, secret);
  }

  async delete(account: string): Promise<void> {
    this.held.delete(account);
  }
}

/** A database that is written, copied with its head, written on, and put back: nothing beside it tells. */
async function rolledBack(t: TestContext, keyring: Keyring) {
  const folder = await mkdtemp(path.join(tmpdir(), 'aico-witness-'));
  t.after(() => rm(folder, { recursive: true }));
  const [file, aside] = [path.join(folder, 'home', 'a.db'), path.join(folder, 'aside')];
  await mkdir(path.dirname(file));
  const key = randomBytes(32);
  const live = async (sql: string, isNew: boolean): Promise<void> => {
    const database = await EncryptedDatabase.open({ file, key: Uint8Array.from(key) });
    const witness = new HeadWitness(keyring, file);
    await witness.check(database, isNew);
    await database.execute(sql);
    await witness.close(database);
    await database.close();
  };
  await live('CREATE TABLE t (n INTEGER)', true);
  await cp(path.dirname(file), aside, { recursive: true });
  await live('INSERT INTO t VALUES (1)', false);
  await rm(path.dirname(file), { recursive: true });
  await cp(aside, path.dirname(file), { recursive: true });
  const database = await EncryptedDatabase.open({ file, key: Uint8Array.from(key) });
  return { database, file, key, witness: new HeadWitness(keyring, file) };
}

async function refusesAndAccepts(t: TestContext, keyring: Keyring): Promise<void> {
  const { database, witness } = await rolledBack(t, keyring);
  t.after(() => witness.forget());
  await assert.rejects(witness.check(database), (error: unknown) => {
    assert.ok(error instanceof DatabaseRolledBackError);
    assert.equal(error.missing, 1);
    assert.match(error.hint ?? '', /accept-rollback/);
    return true;
  });
  await assert.rejects(witness.check(database), DatabaseRolledBackError, 'it does not get used to it');
  await witness.forget();
  await witness.check(database);
  await database.close();
}

test('an older database with the older head beside it is noticed, and taken once it is accepted', (t) =>
  refusesAndAccepts(t, new MemoryKeyring()));

test('the same with the keyring of the operating system', async (t) => {
  const keyring = await openOsKeyring().catch((error: unknown) => {
    if (error instanceof KeyringUnavailableError) return undefined;
    throw error;
  });
  if (keyring === undefined) t.skip('this machine has no keyring');
  else await refusesAndAccepts(t, keyring);
});

test('another life is noticed; a database that was made anew is taken; what cannot be read says nothing', async (t) => {
  const keyring = new MemoryKeyring();
  const { database, file, key, witness } = await rolledBack(t, keyring);
  await witness.forget();
  await witness.check(database);
  await database.close();
  await rm(`${file}.head`);
  const { accepted } = await acceptRollback({ file, key: Uint8Array.from(key), confirm: async () => true });
  assert.ok(accepted);
  const other = await EncryptedDatabase.open({ file, key: Uint8Array.from(key) });
  t.after(() => other.close());
  await assert.rejects(new HeadWitness(keyring, file).check(other), DatabaseRolledBackError);
  await new HeadWitness(keyring, file).check(other, true);
  await new HeadWitness(keyring, file).check(other);
  for (const account of keyring.held.keys()) keyring.held.set(account, Buffer.from('{"id":1}'));
  await new HeadWitness(keyring, file).check(other);
});
