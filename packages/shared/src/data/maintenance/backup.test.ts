import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { MemoryKeyring } from '../../../test/fixtures/keyring.ts';
import { AICOKeyManager, COST_FLOOR } from '../../security/index.ts';
import { EncryptedDatabase } from '../encrypted-database.ts';
import type { CipherName } from '../engine/wire.ts';
import { type Backup, makeBackup } from './backup.ts';
import { HeadWitness } from './head-witness.ts';
import type { HomeFilePlaces } from './home-files.ts';
import { finishRestore, type RestoreOptions, restoreBackup } from './restore.ts';

const password = 'seven green owls on a wire';
const CANARY = 'the-canary-sings-at-dawn';

interface Home {
  readonly folder: string;
  readonly file: string;
  readonly slotsFile: string;
  readonly keyFile: string;
  readonly home: HomeFilePlaces;
}

async function setUp(t: TestContext, cipher: CipherName = 'aegis') {
  const root = await mkdtemp(path.join(os.tmpdir(), 'aico-backup-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  const home = (name: string): Home => {
    const folder = path.join(root, name);
    const at = (file: string): string => path.join(folder, file);
    return {
      folder,
      file: at('aico.db'),
      slotsFile: at('key-slots.json'),
      keyFile: at('aico.key'),
      home: { configDir: path.join(root, `${name}-config`), grantsFile: at('bus-grants.json') },
    };
  };
  const openKeys = async (where: Home) => {
    await mkdir(where.folder, { recursive: true });
    const keys = new AICOKeyManager({ ...where, passwordCost: COST_FLOOR });
    if (!(await keys.exists())) await keys.setUp({ password, keyFile: true });
    // The key file is the quickest unlock method, where there is one.
    else await keys.unlock((await keys.hasKeyFile()) ? {} : { password });
    return keys;
  };
  const open = async (where: Home) => {
    const keys = await openKeys(where);
    return EncryptedDatabase.open({ file: where.file, key: keys.databaseKey(), cipher });
  };
  const rows = async (where: Home): Promise<number | undefined> => {
    const db = await open(where);
    const { rows: found } = await db.execute<{ n: number }>('SELECT count(*) AS n FROM t');
    await db.close();
    return found[0]?.n;
  };
  const fill = async (where: Home, count: number) => {
    const db = await open(where);
    await db.execute('CREATE TABLE IF NOT EXISTS t (a TEXT)');
    for (let index = 0; index < count; index += 1) await db.execute('INSERT INTO t VALUES (?)', [CANARY]);
    await db.close();
  };
  const backUp = async (where: Home): Promise<Backup> => {
    const keys = await openKeys(where);
    return makeBackup({ ...where, key: keys.databaseKey(), directory: path.join(root, 'backups') });
  };
  const restore = (where: Home, backup: string, more: Partial<RestoreOptions> = {}) =>
    restoreBackup({ ...where, backup, credentials: { password }, confirm: async () => true, ...more });
  return { root, home, openKeys, open, rows, fill, backUp, restore };
}

describe('a backup', () => {
  for (const cipher of ['aegis', 'sqlcipher'] as const) {
    test(`is a snapshot taken during writes, and can be restored into an empty home (${cipher})`, async (t) => {
      const { home, open, rows, fill, restore, root } = await setUp(t, cipher);
      const here = home('here');
      await fill(here, 20);
      const db = await open(here);
      const keys = new AICOKeyManager({ ...here });
      await keys.unlock({ password });
      let writing = true;
      const writer = (async () => {
        while (writing) await db.execute('INSERT INTO t VALUES (?)', [CANARY]);
      })();
      const { folder, manifest } = await makeBackup({
        ...here,
        key: keys.databaseKey(),
        directory: path.join(root, 'backups'),
      });
      writing = false;
      await writer;
      await db.close();
      assert.deepEqual((await readdir(folder)).sort(), [
        'aico.db',
        'backup.json',
        'home.sealed',
        'key-slots.json',
      ]);
      for (const name of await readdir(folder))
        assert.ok(!(await readFile(path.join(folder, name))).includes(CANARY), name);
      assert.equal(manifest.cipher, cipher);
      const fresh = home('fresh');
      await restore(fresh, folder, { file: fresh.file });
      const held = await rows(fresh);
      assert.ok(held !== undefined && held >= 20, String(held));
      const before = await rows(here);
      await restore(here, folder);
      assert.equal(await rows(here), held);
      assert.ok(before !== undefined && before >= held);
    });
  }

  test('that is truncated, altered, exchanged or opened with a wrong password changes nothing', async (t) => {
    const { home, rows, fill, backUp, restore } = await setUp(t);
    const here = home('here');
    const there = home('there');
    await fill(here, 3);
    await fill(there, 5);
    const { folder } = await backUp(here);
    const other = await backUp(there);
    await fill(here, 4);
    const refused = async (code: string, more: Partial<RestoreOptions> = {}) => {
      await assert.rejects(restore(here, folder, more), { code });
      assert.equal(await rows(here), 7);
      assert.deepEqual(
        (await readdir(here.folder)).filter((name) => name.includes('restore')),
        [],
      );
    };
    await refused('AICO_KEY_PASSWORD_WRONG', { credentials: { password: 'seven green owls on a roof' } });
    for (const name of ['aico.db', 'key-slots.json', 'home.sealed', 'backup.json']) {
      const file = path.join(folder, name);
      const whole = await readFile(file);
      const flipped = Buffer.from(whole);
      flipped.writeUInt8(flipped.readUInt8(whole.length >> 1) ^ 1, whole.length >> 1);
      for (const harm of [flipped, whole.subarray(0, -1)]) {
        await writeFile(file, harm);
        await refused('AICO_DATABASE_BACKUP_DAMAGED');
      }
      await writeFile(file, whole);
    }
    // Each file of another backup, and a manifest to match: all but its key.
    const manifest = JSON.parse(await readFile(path.join(folder, 'backup.json'), 'utf8'));
    const foreign = JSON.parse(await readFile(path.join(other.folder, 'backup.json'), 'utf8'));
    await writeFile(path.join(folder, 'aico.db'), await readFile(path.join(other.folder, 'aico.db')));
    await writeFile(
      path.join(folder, 'backup.json'),
      JSON.stringify({ ...manifest, database: foreign.database }),
    );
    await refused('AICO_DATABASE_BACKUP_DAMAGED');
    assert.equal(await restore(here, other.folder, { confirm: async () => false }), undefined);
    assert.equal(await rows(here), 7);
  });

  test('whose restore is killed at any step leaves the home completely old or completely new', async (t) => {
    const { home, openKeys, rows, fill, backUp, restore } = await setUp(t);
    const here = home('here');
    await fill(here, 3);
    const { folder } = await backUp(here);
    await fill(here, 1);
    const steps: string[] = [];
    const keyring = new MemoryKeyring();
    const witness = new HeadWitness(keyring, here.file);
    const startWithWitness = async () => {
      const keys = await openKeys(here);
      const db = await EncryptedDatabase.open({ file: here.file, key: keys.databaseKey(), witness });
      await new HeadWitness(keyring, here.file).close(db);
      await db.close();
    };
    await startWithWitness();
    await restore(here, folder, { witness, onStep: (step) => steps.push(step) });
    await startWithWitness();
    assert.ok(steps.length >= 9, steps.join(', '));
    for (const fatal of new Set(steps)) {
      await fill(here, 1);
      const present = await rows(here);
      let decided = false;
      await assert.rejects(
        restore(here, folder, {
          credentials: {},
          witness: new HeadWitness(keyring, here.file),
          onStep: (step) => {
            decided ||= step === 'decided';
            if (step === fatal) throw new Error('dead');
          },
        }),
        /dead/,
      );
      // The recovery dies once as well.
      await finishRestore({
        ...here,
        onStep: () => {
          throw new Error('dead again');
        },
      }).catch(() => undefined);
      await finishRestore(here);
      // The keyring was not told of the restored database, and does not refuse it.
      await startWithWitness();
      assert.equal(await rows(here), decided ? 3 : present, fatal);
    }
  });

  test('contains the configuration and the bus grants encrypted, and restores both', async (t) => {
    const { home, rows, fill, backUp, restore } = await setUp(t);
    const [here, there] = [home('here'), home('there')];
    await fill(here, 2);
    await mkdir(here.home.configDir, { recursive: true });
    const config = path.join(here.home.configDir, 'config.yaml');
    await writeFile(config, `core: { security: { password: ${CANARY} } }\n`);
    await writeFile(path.join(here.home.configDir, 'production.yaml'), 'core: {}\n');
    await writeFile(path.join(here.home.configDir, 'notes.txt'), 'no configuration');
    await writeFile(here.home.grantsFile, '{"grants":"of this home"}');
    const { folder, manifest } = await backUp(here);
    assert.equal(manifest.version, 2);
    for (const name of await readdir(folder))
      assert.ok(!(await readFile(path.join(folder, name))).includes(CANARY), name);

    // Elsewhere: another configuration is kept aside, grants of other keys too.
    await fill(there, 1);
    await mkdir(there.home.configDir, { recursive: true });
    await writeFile(path.join(there.home.configDir, 'config.yaml'), 'environment: test\n');
    await writeFile(there.home.grantsFile, '{"grants":"of other keys"}');
    const { aside } = (await restore(there, folder)) ?? assert.fail();
    // Of the keys that were there before.
    await rm(there.keyFile);
    assert.equal(await rows(there), 2);
    assert.deepEqual((await readdir(there.home.configDir)).sort(), ['config.yaml', 'production.yaml']);
    const restored = path.join(there.home.configDir, 'config.yaml');
    assert.equal(await readFile(restored, 'utf8'), await readFile(config, 'utf8'));
    assert.equal(await readFile(there.home.grantsFile, 'utf8'), '{"grants":"of this home"}');
    assert.equal(await readFile(path.join(aside, 'config.yaml'), 'utf8'), 'environment: test\n');
    assert.equal(await readFile(path.join(aside, 'bus-grants.json'), 'utf8'), '{"grants":"of other keys"}');

    // A backup that was made without grants takes none along, whichever keys the earlier ones have.
    await rm(here.home.grantsFile);
    const without = await backUp(here);
    await restore(there, without.folder);
    await assert.rejects(readFile(there.home.grantsFile), { code: 'ENOENT' });
  });

  test('that fails leaves no files behind', async (t) => {
    const { home, fill, root } = await setUp(t);
    const here = home('here');
    await fill(here, 1);
    const keys = new AICOKeyManager({ ...here });
    await keys.unlock({ password });
    const directory = path.join(root, 'backups');
    await assert.rejects(
      makeBackup({ ...here, slotsFile: `${here.slotsFile}.none`, key: keys.databaseKey(), directory }),
      { code: 'AICO_DATABASE_BACKUP' },
    );
    assert.deepEqual(await readdir(directory), []);
  });
});
