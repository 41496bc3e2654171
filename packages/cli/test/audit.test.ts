import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { AICOPaths } from '@aico/shared/core/paths';
import { EncryptedDatabase } from '@aico/shared/data';
import { AICOKeyManager } from '@aico/shared/security';
import { Aico } from './fixtures/aico.ts';

interface Listed {
  readonly actor: string;
  readonly action: string;
  readonly outcome: string;
}

test('aico audit lists what commands did without a backend, and names the first row that was changed', async (t) => {
  const aico = await Aico.create(t);
  const password = path.join(aico.home, 'password');
  const wrong = path.join(aico.home, 'wrong');
  await writeFile(password, 'seven green owls on a wire\n');
  await writeFile(wrong, 'six green owls on a wire\n');
  const { code, stderr } = await aico.run(['security', 'setup', '--password-file', password]);
  assert.equal(code, 0, stderr);
  assert.notEqual(
    (await aico.run(['security', 'slots', 'add', 'key-file', '--password-file', wrong])).code,
    0,
  );
  const first = await aico.serve(['--password-file', password]);
  assert.match((await aico.run(['audit', 'verify'])).stdout, /^The trail is in order: \d events\.$/m);
  const listed = (await aico.run(['audit', 'ls', '--json', '--action', 'keys'])).json() as readonly Listed[];
  assert.deepEqual(
    listed.map(({ actor, action, outcome }) => `${actor} ${action} ${outcome}`),
    ['backend keys.unlocked done', 'local keys.unlocked failed', 'local keys.created done'],
  );
  first.child.kill('SIGTERM');
  await first.exited;

  const paths = new AICOPaths({ home: aico.home });
  const keys = new AICOKeyManager({ slotsFile: paths.keySlotsFile, keyFile: paths.keyFile });
  await keys.unlock({ password: 'seven green owls on a wire' });
  const database = await EncryptedDatabase.open({ file: paths.databaseFile, key: keys.databaseKey() });
  await database.execute("UPDATE audit SET outcome = 'done' WHERE seq = 2");
  await database.close();
  keys.lock();
  const second = await aico.serve(['--password-file', password]);
  const verified = await aico.run(['audit', 'verify']);
  assert.equal(verified.code, 15, verified.stderr);
  assert.match(verified.stdout, /^The first 1 event are in order\. Number 2: the row was changed/m);
  second.child.kill('SIGTERM');
  await second.exited;
});
