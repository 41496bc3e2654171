import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { inspect } from 'node:util';
import type { LogFields, Logger } from '../../core/logging/types.ts';
import {
  AICOKeyManager,
  COST_FLOOR,
  CredentialUnusableError,
  CredentialWrongError,
  createRecoveryCode,
  KeyNotGivenError,
  type Keyring,
  KeyringUnavailableError,
  KeyringWrongError,
  openOsKeyring,
  PasswordWrongError,
  RecoveryCodeInvalidError,
  RecoveryCodeWrongError,
  UnlockThrottledError,
} from '../index.ts';

const PASSWORD = 'correct horse battery staple';

let base = '';
let homes = 0;
before(async () => {
  base = await mkdtemp(path.join(os.tmpdir(), 'aico-ways-in-'));
});
after(async () => {
  await rm(base, { recursive: true, force: true });
});

class MemoryKeyring implements Keyring {
  readonly entries = new Map<string, Uint8Array>();
  async get(account: string) {
    const found = this.entries.get(account);
    return found && Uint8Array.from(found);
  }
  async set(account: string, secret: Uint8Array) {
    this.entries.set(account, Uint8Array.from(secret));
  }
  async delete(account: string) {
    this.entries.delete(account);
  }
}

function loggerInto(lines: string[]): Logger {
  const write = (message: string, fields?: LogFields) =>
    void lines.push(`${message} ${JSON.stringify(fields)}`);
  const logger: Logger = {
    trace: write,
    debug: write,
    info: write,
    warn: write,
    error: write,
    fatal: write,
    child: () => logger,
    isLevelEnabled: () => true,
  };
  return logger;
}

async function testHome() {
  homes += 1;
  const folder = path.join(base, String(homes));
  const credentials = path.join(folder, 'credentials');
  await mkdir(credentials, { recursive: true });
  const keyring = new MemoryKeyring();
  const clock = { now: Date.now() };
  let session = true;
  const log: string[] = [];
  const logger = loggerInto(log);
  const open = () =>
    new AICOKeyManager({
      slotsFile: path.join(folder, 'slots.json'),
      keyFile: path.join(folder, 'key'),
      passwordCost: COST_FLOOR,
      credentials,
      now: () => clock.now,
      logger,
      keyring: async () => {
        if (session) return keyring;
        throw new KeyringUnavailableError('no user is logged in');
      },
    });
  const credential = async (name: string, bytes: Uint8Array) => {
    const file = path.join(credentials, name);
    await rm(file, { force: true });
    await writeFile(file, bytes, { mode: 0o400 });
    return file;
  };
  return { folder, keyring, clock, log, open, credential, logOut: () => (session = false) };
}

describe('a recovery code', () => {
  test('unlocks in any spelling, alone or beside a password, but only the newest one', async () => {
    const { open } = await testHome();
    const code = createRecoveryCode();
    const manager = open();
    await manager.setUp({ password: PASSWORD, recoveryCode: code });
    const key = manager.databaseKey();
    const again = open();
    await again.unlock({ recoveryCode: code.toLowerCase().replaceAll('-', '  ').replaceAll('0', 'o') });
    assert.deepEqual(again.databaseKey(), key);

    const newer = createRecoveryCode();
    await again.setRecoveryCode(newer);
    assert.deepEqual(
      (await again.slots()).map(({ kind }) => kind),
      ['password', 'recovery'],
    );
    await assert.rejects(open().unlock({ recoveryCode: code }), RecoveryCodeWrongError);
    await open().unlock({ recoveryCode: newer });
    await assert.rejects(open().unlock({ recoveryCode: newer, password: PASSWORD }), KeyNotGivenError);
  });

  test('with a typo is reported as such and does not count as an attempt; without a slot it is refused', async () => {
    const { open } = await testHome();
    await open().setUp({ keyFile: true });
    const code = createRecoveryCode();
    await assert.rejects(open().unlock({ recoveryCode: code }), KeyNotGivenError);
    const manager = open();
    await manager.unlock();
    await manager.setRecoveryCode(code);
    await assert.rejects(manager.setRecoveryCode('nothing of the kind'), RecoveryCodeInvalidError);
    const typo = (code.startsWith('7') ? '8' : '7') + code.slice(1);
    for (let tries = 0; tries < 5; tries += 1)
      await assert.rejects(open().unlock({ recoveryCode: typo }), RecoveryCodeInvalidError);
    assert.equal((await open().throttle()).failures, 0);
  });
});

describe('unattended unlocking', () => {
  test('tries credential, keyring and key file in this order', async () => {
    const { open, credential, logOut, folder, log } = await testHome();
    const file = await credential('aico-root', Buffer.alloc(32, 5));
    const manager = open();
    await manager.setUp({ password: PASSWORD, keyFile: true });
    await manager.addKeyring();
    await manager.addCredential();
    const key = manager.databaseKey();
    const opensBy = async (kind: string) => {
      log.length = 0;
      const next = open();
      await next.unlock();
      assert.deepEqual(next.databaseKey(), key);
      assert.ok(
        log.some((line) => line.startsWith('Keys unlocked') && line.includes(`"${kind}"`)),
        log.join(),
      );
    };
    await opensBy('credential');
    await rm(file);
    await opensBy('keyring');
    logOut();
    await opensBy('key-file');
    await rm(path.join(folder, 'key'));
    await assert.rejects(open().unlock(), (error) => {
      assert.ok(error instanceof KeyNotGivenError);
      assert.match(
        error.message,
        /no credential "aico-root" was handed in; .*no user is logged in; there is no key file/,
      );
      return true;
    });
    await open().unlock({ password: PASSWORD });
  });

  test('a credential of 32 bytes or more unlocks its slot; a wrong, short or readable one is refused', async () => {
    const { open, credential, folder } = await testHome();
    await open().setUp({ keyFile: true });
    const manager = open();
    await manager.unlock();
    await assert.rejects(manager.addCredential('unit-key'), CredentialUnusableError);
    for (const name of ['../slots.json', '', '.', 'a/b'])
      await assert.rejects(manager.addCredential(name), CredentialUnusableError);
    await credential('unit-key', Buffer.alloc(100, 1));
    await manager.addCredential('unit-key');
    await rm(path.join(folder, 'key'));
    await open().unlock();
    await credential('unit-key', Buffer.alloc(100, 2));
    await assert.rejects(open().unlock(), CredentialWrongError);
    await credential('unit-key', Buffer.alloc(31, 1));
    await assert.rejects(open().unlock(), CredentialUnusableError);
    const file = await credential('unit-key', Buffer.alloc(100, 1));
    await chmod(file, 0o404);
    await assert.rejects(open().unlock(), CredentialUnusableError);
    await chmod(file, 0o440);
    await open().unlock();
  });

  test('a wrong entry in the keyring is reported, and removing a slot removes its entry', async () => {
    const { open, keyring, folder } = await testHome();
    await open().setUp({ keyFile: true });
    const manager = open();
    await manager.unlock();
    const id = await manager.addKeyring();
    assert.deepEqual([...keyring.entries.keys()], [id]);
    await rm(path.join(folder, 'key'));
    await open().unlock();
    await keyring.set(id, Buffer.alloc(32, 1));
    await assert.rejects(open().unlock(), KeyringWrongError);
    await manager.addPassword(PASSWORD);
    await manager.removeSlot(id);
    assert.equal(keyring.entries.size, 0);
  });

  test('a missing keyring is an error, and no slot of another kind is made instead', async () => {
    const { open, logOut } = await testHome();
    const manager = open();
    await manager.setUp({ keyFile: true });
    logOut();
    await assert.rejects(manager.addKeyring(), KeyringUnavailableError);
    assert.equal((await manager.slots()).length, 1);
  });

  test('the keyring of this machine works, or reports that it does not', async () => {
    const found = await openOsKeyring().catch((error: unknown) => error);
    assert.ok(
      found instanceof KeyringUnavailableError ||
        (typeof found === 'object' && found !== null && 'get' in found),
    );
  });
});

describe('failed attempts', () => {
  test('through unlock and changePassword, by password and code, are slowed down across restarts', async () => {
    const { open, clock } = await testHome();
    await open().setUp({ password: PASSWORD, keyFile: true, recoveryCode: createRecoveryCode() });
    await assert.rejects(open().unlock({ password: 'not the right one' }), PasswordWrongError);
    await assert.rejects(
      open().changePassword('not the right one', 'a new long password'),
      PasswordWrongError,
    );
    await assert.rejects(open().unlock({ recoveryCode: createRecoveryCode() }), RecoveryCodeWrongError);
    for (const attempt of [
      () => open().unlock({ password: PASSWORD }),
      () => open().changePassword(PASSWORD, 'a new long password'),
      () => open().unlock({ recoveryCode: createRecoveryCode() }),
    ])
      await assert.rejects(attempt(), (error) => {
        assert.ok(error instanceof UnlockThrottledError, inspect(error));
        assert.equal(error.retryAfterMs, 1_000);
        return true;
      });
    // A source that needs no person cannot be guessed at, and is not throttled.
    await open().unlock();
    clock.now += 1_000;
    await open().unlock({ password: PASSWORD });
    assert.deepEqual(await open().throttle(), { failures: 0, retryAfterMs: 0 });
  });
});

describe('changing the password', () => {
  test('writes only the slot file, and preserves the changes of other processes', async () => {
    const { open, folder } = await testHome();
    const manager = open();
    await manager.setUp({ password: PASSWORD });
    const slotsFile = path.join(folder, 'slots.json');
    const before = await readFile(slotsFile);
    const [, staged] = await Promise.all([
      open().changePassword(PASSWORD, 'a new long password'),
      manager.stageDatabaseKey(),
    ]);
    assert.ok(!before.equals(await readFile(slotsFile)));
    const again = open();
    await again.unlock({ password: 'a new long password' });
    assert.deepEqual(again.nextDatabaseKey(), staged);
    await assert.rejects(open().unlock({ password: PASSWORD }), PasswordWrongError);
  });

  test('is not blocked by the lock of a killed process', async () => {
    const { open, folder } = await testHome();
    await open().setUp({ password: PASSWORD });
    await holderKilled(path.join(folder, 'slots.json.guard'));
    await open().changePassword(PASSWORD, 'a new long password');
    await open().unlock({ password: 'a new long password' });
  });
});

/** A process that takes the lock and is killed while it holds it. */
async function holderKilled(lockFile: string): Promise<void> {
  const source = `
    const { whileLocked } = await import(${JSON.stringify(new URL('../../core/paths/system-lock.ts', import.meta.url).href)});
    await whileLocked(process.argv[1], { waitMs: 0, busy: () => new Error('busy') }, async () => {
      process.stdout.write('held');
      await new Promise((resolve) => process.stdin.once('end', resolve).resume());
    });`;
  const holder = spawn(process.execPath, ['--input-type=module', '--eval', source, lockFile], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  holder.kill('SIGKILL');
  await once(holder, 'exit');
}
