import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { inspect } from 'node:util';
import {
  AICOKeyManager,
  COST_FLOOR,
  KeyFileExposedError,
  KeyFileUnreadableError,
  KeyFileWrongError,
  KeyNotGivenError,
  KeyPurposeInvalidError,
  KeysLockedError,
  LastSlotError,
  PasswordRefusedError,
  PasswordWrongError,
  SlotFileDamagedError,
  SlotFileExistsError,
  SlotFileMissingError,
  SlotFileVersionError,
  SlotParametersError,
  SlotUnknownError,
} from './index.ts';

const PASSWORD = 'correct horse battery staple';

let base = '';
let homes = 0;
before(async () => {
  base = await mkdtemp(path.join(os.tmpdir(), 'aico-keys-'));
});
after(async () => {
  await rm(base, { recursive: true, force: true });
});

interface TestKeys {
  readonly slotsFile: string;
  readonly keyFile: string;
  open(): AICOKeyManager;
}

function testKeys(): TestKeys {
  homes += 1;
  const slotsFile = path.join(base, `slots-${homes}.json`);
  const keyFile = path.join(base, `key-${homes}`);
  return {
    slotsFile,
    keyFile,
    open: () => new AICOKeyManager({ slotsFile, keyFile, passwordCost: COST_FLOOR }),
  };
}

describe('a key file', () => {
  test('unlocks after a restart, and every derived key is the same', async () => {
    const keys = testKeys();
    const first = keys.open();
    assert.equal(await first.exists(), false);
    await first.setUp({ keyFile: true });
    const again = keys.open();
    assert.equal(await again.exists(), true);
    assert.equal(again.isUnlocked, false);
    await again.unlock();
    assert.deepEqual(again.deriveKey('bus/curve'), first.deriveKey('bus/curve'));
    assert.deepEqual(again.databaseKey(), first.databaseKey());
    assert.notDeepEqual(first.deriveKey('bus/curve'), first.deriveKey('bus/other'));
    assert.equal(first.deriveKey('bus/curve', 64).byteLength, 64);
  });

  test('is created with mode 0600, like the slot file, and leaves no temporary file', async () => {
    const keys = testKeys();
    await keys.open().setUp({ keyFile: true });
    for (const file of [keys.slotsFile, keys.keyFile])
      assert.equal((await stat(file)).mode & 0o777, 0o600, file);
    assert.deepEqual(
      (await readdir(base)).filter((name) => name.endsWith('.tmp')),
      [],
    );
  });

  test('is refused if it is readable by others, a link, of the wrong length, of another home or missing', async () => {
    const keys = testKeys();
    await keys.open().setUp({ keyFile: true });
    const bytes = await readFile(keys.keyFile);
    for (const mode of [0o640, 0o604, 0o620, 0o602]) {
      await chmod(keys.keyFile, mode);
      await assert.rejects(keys.open().unlock(), KeyFileExposedError);
    }
    await chmod(keys.keyFile, 0o600);
    await writeFile(keys.keyFile, bytes.subarray(0, 31));
    await assert.rejects(keys.open().unlock(), KeyFileUnreadableError);
    await writeFile(keys.keyFile, Buffer.alloc(32, 7));
    await assert.rejects(keys.open().unlock(), KeyFileWrongError);
    await rm(keys.keyFile);
    await assert.rejects(keys.open().unlock(), KeyNotGivenError);
    await writeFile(`${keys.keyFile}.elsewhere`, bytes, { mode: 0o600 });
    await symlink(`${keys.keyFile}.elsewhere`, keys.keyFile);
    await assert.rejects(keys.open().unlock(), KeyFileUnreadableError);
  });

  test('that an interrupted setup left is used by the next setup', async () => {
    const keys = testKeys();
    await writeFile(keys.keyFile, Buffer.alloc(32, 9), { mode: 0o600 });
    await keys.open().setUp({ keyFile: true });
    await keys.open().unlock();
    assert.deepEqual(await readFile(keys.keyFile), Buffer.alloc(32, 9));
  });
});

describe('a password', () => {
  test('unlocks; a wrong one never does, even beside a valid key file', async () => {
    const keys = testKeys();
    await keys.open().setUp({ password: PASSWORD, keyFile: true });
    const manager = keys.open();
    await assert.rejects(manager.unlock({ password: 'correct horse battery stapl' }), PasswordWrongError);
    assert.equal(manager.isUnlocked, false);
    assert.throws(() => manager.deriveKey('bus'), KeysLockedError);
    assert.throws(() => manager.databaseKey(), KeysLockedError);
    await manager.unlock({ password: PASSWORD });
    assert.equal(manager.isUnlocked, true);
  });

  test('is mentioned in the hint of a refusal exactly if a slot has one', async () => {
    const keys = testKeys();
    await keys.open().setUp({ password: PASSWORD });
    await assert.rejects(keys.open().unlock(), (error) => {
      assert.ok(error instanceof KeyNotGivenError);
      assert.deepEqual(error.slotKinds, ['password']);
      assert.equal(error.hint, 'Give the password.');
      return true;
    });
    const byKeyFile = testKeys();
    await byKeyFile.open().setUp({ keyFile: true });
    await assert.rejects(byKeyFile.open().unlock({ password: PASSWORD }), (error) => {
      assert.ok(error instanceof KeyNotGivenError);
      // The advice must not name a secret that opens nothing.
      assert.match(error.hint ?? '', /^Put the key file back/);
      return true;
    });
  });

  test('can be changed without changing any key, and the old one no longer unlocks', async () => {
    const keys = testKeys();
    const manager = keys.open();
    await manager.setUp({ password: PASSWORD });
    const database = manager.databaseKey();
    await assert.rejects(
      manager.changePassword('not the old one', 'a new long password'),
      PasswordWrongError,
    );
    await keys.open().changePassword(PASSWORD, 'a new long password');
    const again = keys.open();
    await assert.rejects(again.unlock({ password: PASSWORD }), PasswordWrongError);
    await again.unlock({ password: 'a new long password' });
    assert.deepEqual(again.databaseKey(), database);
  });

  test('is the same in composed and decomposed form', async () => {
    const keys = testKeys();
    await keys.open().setUp({ password: 'gr\u00fc\u00dfe aus k\u00f6ln' });
    await keys.open().unlock({ password: 'gru\u0308\u00dfe aus ko\u0308ln' });
  });

  test('that is too short or monotonous is refused with the reason', async () => {
    const keys = testKeys();
    await assert.rejects(keys.open().setUp({ password: 'short' }), PasswordRefusedError);
    await assert.rejects(keys.open().setUp({ password: 'abababababab' }), PasswordRefusedError);
    assert.equal(await keys.open().exists(), false);
  });
});

describe('slots', () => {
  test('are added, listed without secrets and removed, but never the last', async () => {
    const keys = testKeys();
    const manager = keys.open();
    await manager.setUp({ keyFile: true });
    const [keyFile] = await manager.slots();
    const password = await manager.addPassword(PASSWORD);
    assert.deepEqual(
      (await manager.slots()).map((slot) => [Object.keys(slot).sort(), slot.kind]),
      [
        [['createdAt', 'id', 'kind'], 'key-file'],
        [['cost', 'createdAt', 'id', 'kind'], 'password'],
      ],
    );
    await manager.removeSlot(keyFile?.id ?? '');
    await assert.rejects(manager.removeSlot(password), LastSlotError);
    await assert.rejects(manager.removeSlot('unknown'), SlotUnknownError);
    await keys.open().unlock({ password: PASSWORD });
    await assert.rejects(keys.open().unlock(), KeyNotGivenError);
  });

  test('added concurrently are all stored', async () => {
    const manager = testKeys().open();
    await manager.setUp({ keyFile: true });
    await Promise.all([manager.addKeyFile(), manager.addKeyFile(), manager.addKeyFile()]);
    assert.equal((await manager.slots()).length, 4);
  });

  test('are not changed while locked', async () => {
    const keys = testKeys();
    const manager = keys.open();
    await manager.setUp({ keyFile: true });
    manager.lock();
    await assert.rejects(manager.addKeyFile(), KeysLockedError);
    assert.throws(() => manager.deriveKey('bus'), KeysLockedError);
  });
});

describe('the slot file', () => {
  test('is never replaced by a second setup, and its absence is named', async () => {
    const keys = testKeys();
    await assert.rejects(keys.open().unlock(), SlotFileMissingError);
    await keys.open().setUp({ keyFile: true });
    await assert.rejects(keys.open().setUp({ keyFile: true }), SlotFileExistsError);
    await assert.rejects(testKeys().open().setUp({}), KeyNotGivenError);
  });

  test('with any flipped bit is reported as damaged and unlocks nothing', async () => {
    const keys = testKeys();
    await keys.open().setUp({ password: PASSWORD, keyFile: true });
    const good = await readFile(keys.slotsFile);
    for (let at = 0; at < good.byteLength; at += 1) {
      const bad = Buffer.from(good);
      bad.writeUInt8(bad.readUInt8(at) ^ (1 << (at % 8)), at);
      await writeFile(keys.slotsFile, bad);
      const manager = keys.open();
      await assert.rejects(manager.unlock(), (error) => {
        assert.ok(
          [SlotFileDamagedError, SlotParametersError, SlotFileVersionError].some(
            (type) => error instanceof type,
          ),
          `byte ${at}: ${String(error)}`,
        );
        return true;
      });
      assert.equal(manager.isUnlocked, false);
    }
    for (const cut of [0, 1, good.byteLength >> 1, good.byteLength - 1]) {
      await writeFile(keys.slotsFile, good.subarray(0, cut));
      await assert.rejects(keys.open().unlock(), SlotFileDamagedError);
    }
    await writeFile(keys.slotsFile, good);
    await keys.open().unlock();
  });

  test('edited with a corrected checksum is also refused', async () => {
    const keys = testKeys();
    const manager = keys.open();
    await manager.setUp({ keyFile: true });
    await manager.addPassword(PASSWORD);
    const whole: unknown = JSON.parse(await readFile(keys.slotsFile, 'utf8'));
    assert.ok(typeof whole === 'object' && whole !== null);
    const edit = async (change: Record<string, unknown>): Promise<void> => {
      const { checksum: _, ...rest } = { ...whole, ...change, checksum: '' };
      const checksum = createHash('sha256')
        .update(`${JSON.stringify(rest, undefined, 2)}\n`)
        .digest('base64url');
      await writeFile(keys.slotsFile, `${JSON.stringify({ ...rest, checksum }, undefined, 2)}\n`);
    };
    assert.ok('slots' in whole && Array.isArray(whole.slots));
    // A slot taken out, as an attacker would who wants the owner to be locked out later.
    await edit({ slots: whole.slots.slice(0, 1) });
    await assert.rejects(keys.open().unlock(), SlotFileDamagedError);
    // Another file's identity: the slots are bound to their own.
    await edit({ id: 'another' });
    await assert.rejects(keys.open().unlock(), KeyFileWrongError);
    // A cheaper password slot, refused before any work is done with it, whichever slot would be used.
    const cheap = whole.slots.map((slot: Record<string, unknown>) =>
      slot.kind === 'password' ? { ...slot, cost: { memoryKiB: 65_535, passes: 3, lanes: 1 } } : slot,
    );
    await edit({ slots: cheap });
    const started = performance.now();
    await assert.rejects(keys.open().unlock({ password: PASSWORD }), SlotParametersError);
    assert.ok(performance.now() - started < 50, 'no work was done');
    await edit({});
    await keys.open().unlock();
  });

  test('of another installation unlocks nothing', async () => {
    const [mine, other] = [testKeys(), testKeys()];
    await mine.open().setUp({ keyFile: true });
    await other.open().setUp({ keyFile: true });
    await writeFile(mine.slotsFile, await readFile(other.slotsFile));
    await assert.rejects(mine.open().unlock(), KeyFileWrongError);
  });
});

test('a purpose is a fixed name, and labels of the manager itself are refused', async () => {
  const manager = testKeys().open();
  await manager.setUp({ keyFile: true });
  for (const purpose of [
    '',
    'Upper',
    'a b',
    '../x',
    'internal/slot-file-mac',
    'internal',
    'a//b',
    'a'.repeat(200),
  ])
    assert.throws(() => manager.deriveKey(purpose), KeyPurposeInvalidError, purpose);
});

test('neither a key nor a password is printed or written', async () => {
  const keys = testKeys();
  const manager = keys.open();
  await manager.setUp({ keyFile: true, password: PASSWORD });
  const database = Buffer.from(manager.databaseKey());
  const printed = inspect(manager, { depth: 10, showHidden: true }) + JSON.stringify(manager);
  const written = await readFile(keys.slotsFile, 'latin1');
  for (const secret of [database.toString('hex'), database.toString('base64url'), PASSWORD])
    for (const text of [printed, written]) assert.ok(!text.includes(secret));
});
