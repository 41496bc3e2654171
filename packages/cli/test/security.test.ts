import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { Aico } from './fixtures/aico.ts';

async function passwordFile(aico: Aico, name: string, password: string): Promise<string> {
  const file = path.join(aico.home, name);
  await writeFile(file, `${password}\n`, { mode: 0o600 });
  return file;
}

async function startAndStop(aico: Aico, args: readonly string[] = []): Promise<void> {
  const { child, exited } = await aico.serve(args);
  child.kill('SIGTERM');
  assert.deepEqual(await exited, { code: 0, signal: null });
}

describe('aico security', () => {
  test('passwd replaces the key file by a password while the backend runs, and does not touch the database file', async (t) => {
    const aico = await Aico.create(t);
    const first = await passwordFile(aico, 'first', 'correct horse battery');
    const second = await passwordFile(aico, 'second', 'staple correct horse');
    const wrong = await passwordFile(aico, 'wrong', 'wrong horse battery');
    assert.match((await aico.run(['security', 'status'])).stdout, /No keys have been made yet/);

    const running = await aico.serve();
    const protectedNow = await aico.run(['security', 'passwd', '--new-password-file', first]);
    assert.equal(protectedNow.code, 0, protectedNow.stderr);
    assert.match(protectedNow.stderr + protectedNow.stdout, /Backups made until now open with it alone/);
    assert.equal((await aico.run(['health'])).code, 0);
    running.child.kill('SIGTERM');
    await running.exited;

    assert.equal(existsSync(path.join(aico.home, 'config', 'aico.key')), false);
    const { slots } = (await aico.run(['security', 'status', '--json'])).json() as {
      slots: { kind: string }[];
    };
    assert.deepEqual(
      slots.map(({ kind }) => kind),
      ['password'],
    );
    const locked = await aico.serve();
    assert.equal(locked.ready.locked, true);
    const status = (await aico.run(['status', '--json'])).json() as { state: string };
    assert.equal(status.state, 'locked');
    locked.child.kill('SIGTERM');
    assert.deepEqual(await locked.exited, { code: 0, signal: null });
    await startAndStop(aico, ['--password-file', first]);

    const database = path.join(aico.home, 'data', 'aico.db');
    const before = await readFile(database);
    const refused = await aico.run([
      'security',
      'passwd',
      '--password-file',
      wrong,
      '--new-password-file',
      second,
    ]);
    assert.equal(refused.code, 14, refused.stderr);
    const changed = await aico.run([
      'security',
      'passwd',
      '--password-file',
      first,
      '--new-password-file',
      second,
    ]);
    assert.equal(changed.code, 0, changed.stderr);
    assert.ok(before.equals(await readFile(database)));
    assert.equal((await aico.run(['start', '--password-file', first])).code, 14);
    await startAndStop(aico, ['--password-file', second]);
  });

  test('a weak password is refused, and the home opens as before', async (t) => {
    const aico = await Aico.create(t);
    await startAndStop(aico);
    const weak = await passwordFile(aico, 'weak', 'aaaa');
    const refused = await aico.run(['security', 'passwd', '--new-password-file', weak]);
    assert.equal(refused.code, 14, refused.stderr);
    const withoutTerminal = await aico.run(['security', 'passwd']);
    assert.equal(withoutTerminal.code, 2, withoutTerminal.stderr);
    await startAndStop(aico);
  });

  test('setup makes the keys of a new home once, with a recovery code that is shown once and unlocks a running backend', async (t) => {
    const aico = await Aico.create(t);
    const password = await passwordFile(aico, 'password', 'correct horse battery');
    const arguments_ = [
      'security',
      'setup',
      '--password-file',
      password,
      '--recovery',
      '--no-confirm',
      '--json',
    ];
    const made = await aico.run(arguments_);
    assert.equal(made.code, 0, made.stderr);
    const { slots, recoveryCode } = made.json() as { slots: { kind: string }[]; recoveryCode: string };
    assert.deepEqual(
      slots.map(({ kind }) => kind),
      ['password', 'recovery'],
    );
    assert.match(recoveryCode, /^(?:\S{4}-){6}\S{4}$/);
    assert.match((await aico.run(arguments_)).stderr, /AICO_KEY_SLOTS_EXIST/);

    const { child, exited } = await aico.serve(['--password-file', password]);
    const locked = await aico.run(['security', 'lock', '--json']);
    assert.equal(locked.code, 0, locked.stderr);
    assert.match(locked.stdout, /"state":"locked","wiped":".*overwritten/);
    const told = (await aico.run(['security', 'status', '--json'])).json() as {
      backend: string;
      keyring: string;
    };
    assert.equal(told.backend, 'locked');
    assert.notEqual(told.keyring, '');
    const code = await passwordFile(aico, 'code', recoveryCode.toLowerCase().replaceAll('-', ' '));
    const typo = await passwordFile(
      aico,
      'typo',
      `${recoveryCode[0] === '7' ? '8' : '7'}${recoveryCode.slice(1)}`,
    );
    const refused = await aico.run(['security', 'unlock', '--recovery-file', typo]);
    assert.match(refused.stderr, /AICO_KEY_RECOVERY_INVALID/);
    assert.equal(refused.code, 1);
    const unlocked = await aico.run(['security', 'unlock', '--recovery-file', code, '--json']);
    assert.deepEqual(unlocked.json(), { state: 'unlocked' }, unlocked.stderr);
    child.kill('SIGTERM');
    await exited;
  });

  test('slots are added, listed and removed, but never the last; an invalid slot is an error', async (t) => {
    const aico = await Aico.create(t);
    const run = (...args: string[]) => aico.run(['security', ...args, '--json']);
    assert.equal((await run('setup', '--key-file')).code, 0);
    const slots = async () =>
      ((await run('slots')).json() as { slots: { id: string; kind: string }[] }).slots;
    const [first] = await slots();
    const last = await run('slots', 'remove', first?.id ?? '');
    assert.match(last.stderr, /AICO_KEY_SLOT_LAST/);
    const noCredential = await run('slots', 'add', 'credential');
    assert.match(noCredential.stderr, /AICO_KEY_CREDENTIAL_UNUSABLE/);
    const keyring = await run('slots', 'add', 'keyring');
    assert.ok(keyring.code === 0 || /AICO_KEY_KEYRING_UNAVAILABLE/.test(keyring.stderr), keyring.stderr);

    await writeFile(path.join(aico.home, 'unit-key'), Buffer.alloc(32, 3), { mode: 0o400 });
    const env = { CREDENTIALS_DIRECTORY: aico.home };
    const added = await aico.run(['security', 'slots', 'add', 'credential', '--name', 'unit-key'], env);
    assert.equal(added.code, 0, added.stderr);
    const recovery = (await run('recovery', '--no-confirm')).json() as { recoveryCode: string };
    const code = await passwordFile(aico, 'code', recovery.recoveryCode);
    const typed = await run('recovery', '--confirm-file', code);
    assert.equal(typed.stdout.includes(recovery.recoveryCode), false);
    assert.match((await run('recovery')).stderr, /no terminal to type the recovery code back/);

    const removed = await run('slots', 'remove', first?.id ?? '', '--recovery-file', code);
    assert.equal(removed.code, 0, removed.stderr);
    assert.equal(existsSync(path.join(aico.home, 'config', 'aico.key')), false);
    const kinds = (await slots()).map(({ kind }) => kind).filter((kind) => kind !== 'keyring');
    assert.deepEqual(kinds, ['credential', 'recovery']);
    const { child, exited } = await aico.serve([], env);
    child.kill('SIGTERM');
    assert.deepEqual(await exited, { code: 0, signal: null });
  });
});
