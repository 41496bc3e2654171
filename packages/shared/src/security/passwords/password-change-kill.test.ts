import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { watch } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { AICOKeyManager, COST_FLOOR, PasswordWrongError } from '../index.ts';

const [OLD, NEW] = ['correct horse battery staple', 'seven green owls on a wire'];

test('a change of password that is killed at any step leaves the old or the new password, and can be repeated', async (t) => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'aico-kill-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const options = {
    slotsFile: path.join(folder, 's'),
    keyFile: path.join(folder, 'k'),
    passwordCost: COST_FLOOR,
  };
  const open = () => new AICOKeyManager(options);
  await open().setUp({ password: OLD });
  const code = `
    const { AICOKeyManager } = await import('${new URL('../index.ts', import.meta.url).href}');
    const [options, from, to] = JSON.parse(process.argv[1]);
    await new AICOKeyManager(options).changePassword(from, to);`;
  let password = OLD;
  for (const lastStep of [2, 6, 10]) {
    const next = password === OLD ? NEW : OLD;
    const child = spawn(
      process.execPath,
      ['--input-type=module', '-e', code, JSON.stringify([options, password, next])],
      {
        stdio: 'ignore',
      },
    );
    // The files in the folder show its progress: the lock, the count of attempts, the temporary file, the renaming.
    let steps = 0;
    const watcher = watch(folder, () => {
      steps += 1;
      if (steps === lastStep) child.kill('SIGKILL');
    });
    await once(child, 'exit');
    watcher.close();
    const opensWith = async (candidate: string) =>
      open()
        .unlock({ password: candidate })
        .then(
          () => true,
          (error: unknown) => {
            assert.ok(error instanceof PasswordWrongError, String(error));
            return false;
          },
        );
    const changed = await opensWith(next);
    assert.notEqual(changed, await opensWith(password));
    if (changed) password = next;
  }
  await open().changePassword(password, 'a new long password');
  await open().unlock({ password: 'a new long password' });
});
