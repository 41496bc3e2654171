import assert from 'node:assert/strict';
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { AICOKeyManager, KeysLockedError, NoStagedKeyError } from './index.ts';

let base = '';
let homes = 0;
before(async () => {
  base = await mkdtemp(path.join(os.tmpdir(), 'aico-rotation-'));
});
after(async () => {
  await rm(base, { recursive: true, force: true });
});

async function testKeys() {
  homes += 1;
  const slotsFile = path.join(base, `slots-${homes}.json`);
  const keyFile = path.join(base, `key-${homes}`);
  const open = () => new AICOKeyManager({ slotsFile, keyFile });
  const reopen = async () => {
    const keys = open();
    await keys.unlock();
    return keys;
  };
  const first = open();
  await first.setUp({ keyFile: true });
  return { slotsFile, open, reopen, first };
}

describe('rotating the database key', () => {
  test('every step is stored in the slot file before it resolves, and nothing else changes', async () => {
    const { reopen, first } = await testKeys();
    const old = first.databaseKey();
    const purpose = first.deriveKey('bus');
    assert.equal(first.nextDatabaseKey(), undefined);

    const next = await first.stageDatabaseKey();
    assert.equal(next.byteLength, 32);
    assert.notDeepEqual(next, old);
    for (const keys of [first, await reopen()]) {
      assert.deepEqual(keys.databaseKey(), old);
      assert.deepEqual(keys.nextDatabaseKey(), next);
    }

    await first.promoteDatabaseKey();
    for (const keys of [first, await reopen()]) {
      assert.deepEqual(keys.databaseKey(), next);
      assert.equal(keys.nextDatabaseKey(), undefined);
      assert.deepEqual(keys.deriveKey('bus'), purpose);
    }
  });

  test('an interrupted rotation continues with the same new key', async () => {
    const { reopen, first, slotsFile } = await testKeys();
    const next = await first.stageDatabaseKey();
    const before = await readFile(slotsFile);
    const again = await reopen();
    assert.deepEqual(await again.stageDatabaseKey(), next);
    assert.ok(before.equals(await readFile(slotsFile)), 'what is staged already is not written again');
    const [one, other] = await Promise.all([again.stageDatabaseKey(), again.stageDatabaseKey()]);
    assert.deepEqual(one, other);
  });

  test('a cancelled rotation keeps the old key; a rotation that has not begun cannot be finished', async () => {
    const { reopen, first } = await testKeys();
    const old = first.databaseKey();
    const next = await first.stageDatabaseKey();
    await first.discardStagedDatabaseKey();
    await first.discardStagedDatabaseKey();
    const again = await reopen();
    assert.equal(again.nextDatabaseKey(), undefined);
    assert.deepEqual(again.databaseKey(), old);
    await assert.rejects(again.promoteDatabaseKey(), NoStagedKeyError);
    assert.notDeepEqual(await again.stageDatabaseKey(), next);
  });

  test('requires unlocked keys, and is not affected by a change of slots', async () => {
    const { open, reopen, first } = await testKeys();
    const locked = open();
    assert.throws(() => locked.nextDatabaseKey(), KeysLockedError);
    await assert.rejects(locked.stageDatabaseKey(), KeysLockedError);
    await assert.rejects(locked.promoteDatabaseKey(), KeysLockedError);
    await assert.rejects(locked.discardStagedDatabaseKey(), KeysLockedError);
    const next = await first.stageDatabaseKey();
    await (await reopen()).addKeyFile();
    await first.promoteDatabaseKey();
    const last = await reopen();
    assert.deepEqual(last.databaseKey(), next);
    assert.equal((await last.slots()).length, 2);
  });

  test('the slot file of any step unlocks the keys of that step', async () => {
    const { reopen, first, slotsFile } = await testKeys();
    const old = first.databaseKey();
    const next = await first.stageDatabaseKey();
    await copyFile(slotsFile, `${slotsFile}.staged`);
    await first.promoteDatabaseKey();
    await copyFile(`${slotsFile}.staged`, slotsFile);
    const restored = await reopen();
    assert.deepEqual(restored.databaseKey(), old);
    assert.deepEqual(restored.nextDatabaseKey(), next);
  });
});
