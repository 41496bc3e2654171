import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { MemoryKeyring } from '../../../test/fixtures/keyring.ts';
import { type Keyring, KeyringUnavailableError, openOsKeyring } from '../../security/index.ts';
import { EncryptedDatabase } from '../encrypted-database.ts';
import { DatabaseRolledBackError } from '../file/errors.ts';
import { acceptRollback } from './accept-rollback.ts';
import { HeadWitness } from './head-witness.ts';

const YES = async (): Promise<boolean> => true;

/** A home with a database that has a witness, and copies of its files. */
class Home {
  readonly folder: string;
  readonly file: string;
  readonly keyring: Keyring;
  readonly #key = randomBytes(32);

  constructor(root: string, keyring: Keyring) {
    this.folder = path.join(root, 'home');
    this.file = path.join(this.folder, 'a.db');
    this.keyring = keyring;
  }

  get key(): Uint8Array {
    return Uint8Array.from(this.#key);
  }

  get witness(): HeadWitness {
    return new HeadWitness(this.keyring, this.file);
  }

  /** Opens the database as a start does, writes rows, and closes it. */
  async live(rows: number): Promise<void> {
    const { witness } = this;
    const database = await EncryptedDatabase.open({ file: this.file, key: this.key, witness });
    try {
      await witness.follow(database);
      await database.execute('CREATE TABLE IF NOT EXISTS t (n INTEGER)');
      for (let n = 0; n < rows; n += 1) await database.execute('INSERT INTO t VALUES (?)', [n]);
    } finally {
      await witness.close(database);
      await database.close();
    }
  }

  /** A start that the guard refuses, and that changes no file. */
  async refused(message?: RegExp): Promise<DatabaseRolledBackError> {
    const before = await this.bytes();
    const failure = await this.live(0).then(
      () => undefined,
      (error: unknown) => error,
    );
    assert.ok(failure instanceof DatabaseRolledBackError, String(failure));
    if (message !== undefined) assert.match(failure.message, message);
    assert.deepEqual(await this.bytes(), before, 'a refused start changes nothing');
    return failure;
  }

  /** A digest of all files, except the index and the empty log, which a reader of the database creates. */
  async bytes(): Promise<Record<string, string>> {
    const names = (await readdir(this.folder)).filter((name) => !/-(?:shm|wal)$/.test(name)).sort();
    const digests = names.map(async (name) => {
      const content = await readFile(path.join(this.folder, name));
      return createHash('sha256').update(content).digest('hex');
    });
    return Object.fromEntries((await Promise.all(digests)).map((digest, index) => [names[index], digest]));
  }

  async copyTo(place: string): Promise<void> {
    await cp(this.folder, `${this.folder}.${place}`, { recursive: true });
  }

  async putBack(place: string): Promise<void> {
    await rm(this.folder, { recursive: true });
    await cp(`${this.folder}.${place}`, this.folder, { recursive: true });
  }

  async accept() {
    const { file, key, witness } = this;
    return await acceptRollback({ file, key, witness, confirm: YES });
  }
}

/** A database that was replaced by an older copy together with its head. */
async function rolledBack(t: TestContext, keyring: Keyring): Promise<Home> {
  const root = await mkdtemp(path.join(tmpdir(), 'aico-witness-'));
  t.after(() => rm(root, { recursive: true }));
  const home = new Home(root, keyring);
  await mkdir(home.folder);
  await home.live(1);
  await home.copyTo('old');
  await home.live(3);
  await home.copyTo('new');
  await home.putBack('old');
  return home;
}

async function refusesAndAccepts(t: TestContext, keyring: Keyring): Promise<void> {
  const home = await rolledBack(t, keyring);
  t.after(() => home.witness.forget());
  const { missing: atFirst = 0 } = await home.refused();
  assert.ok(atFirst >= 3, String(atFirst));
  for (let start = 0; start < 4; start += 1) {
    const { missing, hint = '' } = await home.refused(/is older than it was/);
    assert.equal(missing, atFirst, 'it does not get used to it');
    assert.match(hint, /accept-rollback/);
  }
  const { state, accepted } = await home.accept();
  assert.deepEqual([state, accepted], ['older', true]);
  for (const former of ['old', 'new']) {
    await home.copyTo('accepted');
    await home.putBack(former);
    await home.refused(/before a restore/);
    await home.putBack('accepted');
    await rm(`${home.folder}.accepted`, { recursive: true });
  }
  await home.live(1);
}

test('an older database with the older head beside it is refused at every start, until it is accepted', (t) =>
  refusesAndAccepts(t, new MemoryKeyring()));

test('the same with the keyring of the operating system', async (t) => {
  const keyring = await openOsKeyring().catch((error: unknown) => {
    if (error instanceof KeyringUnavailableError) return undefined;
    throw error;
  });
  if (keyring === undefined) t.skip('this machine has no keyring');
  else await refusesAndAccepts(t, keyring);
});

test('an older database under the name of an unfinished creation is refused and not renamed', async (t) => {
  const home = await rolledBack(t, new MemoryKeyring());
  await rename(home.file, `${home.file}.new`);
  await assert.rejects(home.live(0), { code: 'AICO_DATA_GONE' });
  assert.ok((await readdir(home.folder)).includes('a.db.new'));
});

test('a copy of the first empty database with its head is not accepted as an unfinished creation', async (t) => {
  const home = await rolledBack(t, new MemoryKeyring());
  await home.witness.forget();
  for (const name of await readdir(home.folder)) await rm(path.join(home.folder, name));
  const { file, key } = home;
  await (await EncryptedDatabase.open({ file, key })).close();
  await home.copyTo('empty');
  await home.live(3);
  await home.putBack('empty');
  await rename(home.file, `${home.file}.new`);
  for (let start = 0; start < 3; start += 1) await home.refused(/is older than it was/);
  assert.ok((await readdir(home.folder)).includes('a.db.new'));
});

test('an interrupted creation is completed with a witness too', async (t) => {
  const home = await rolledBack(t, new MemoryKeyring());
  await home.witness.forget();
  await rm(home.folder, { recursive: true });
  await mkdir(home.folder);
  const { file, key } = home;
  await (await EncryptedDatabase.open({ file, key })).close();
  await rename(file, `${file}.new`);
  await home.live(2);
});

test('a database that is missing with its head is not created again if the witness knows it', async (t) => {
  const home = await rolledBack(t, new MemoryKeyring());
  for (const name of await readdir(home.folder)) await rm(path.join(home.folder, name));
  await home.refused(/is not there/);
  const { state, accepted } = await home.accept();
  assert.deepEqual([state, accepted], ['gone', true]);
  await home.live(1);
});

test('an acceptance that dies before it updates the keyring is recognised at the next start, and only once', async (t) => {
  const keyring = new MemoryKeyring();
  const home = await rolledBack(t, keyring);
  const { file, key, witness } = home;
  const known = await witness.known();
  const { accepted } = await acceptRollback({
    file,
    key,
    witness,
    confirm: async () => {
      // From here on writes to the keyring fail, as if the process had been killed before them.
      keyring.set = () => Promise.reject(new KeyringUnavailableError('killed'));
      return true;
    },
  });
  assert.ok(accepted);
  assert.deepEqual(await home.witness.known(), known);
  Reflect.deleteProperty(keyring, 'set');
  await home.copyTo('accepted');
  await home.live(2);
  await home.putBack('accepted');
  await home.refused(/is older than it was/);
});

test('a keyring that fails or contains another value is ignored', async (t) => {
  const keyring = new MemoryKeyring();
  const home = await rolledBack(t, keyring);
  keyring.fails = true;
  await home.live(0);
  keyring.fails = false;
  await home.putBack('old');
  for (const account of keyring.held.keys()) keyring.held.set(account, Buffer.from('{"id":1}'));
  await home.live(0);
});
