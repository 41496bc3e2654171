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
  test('passwd puts a password in the place of the key file, while the backend runs; the database file is not touched', async (t) => {
    const aico = await Aico.create(t);
    const first = await passwordFile(aico, 'first', 'correct horse battery');
    const second = await passwordFile(aico, 'second', 'staple correct horse');
    const wrong = await passwordFile(aico, 'wrong', 'wrong horse battery');
    assert.match((await aico.run(['security', 'status'])).stdout, /No keys have been made yet/);

    const running = await aico.serve();
    const protectedNow = await aico.run(['security', 'passwd', '--new-password-file', first]);
    assert.equal(protectedNow.code, 0, protectedNow.stderr);
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

  test('a password that protects nothing is refused, and the home opens as before', async (t) => {
    const aico = await Aico.create(t);
    await startAndStop(aico);
    const weak = await passwordFile(aico, 'weak', 'aaaa');
    const refused = await aico.run(['security', 'passwd', '--new-password-file', weak]);
    assert.equal(refused.code, 14, refused.stderr);
    const nobody = await aico.run(['security', 'passwd']);
    assert.equal(nobody.code, 2, nobody.stderr);
    await startAndStop(aico);
  });
});
