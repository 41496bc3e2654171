import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { startBackend } from '@aico/backend/host';
import { createTestHome } from '@aico/backend/testing';
import { AICOPaths } from '@aico/shared/core/paths';
import { AICOKeyManager } from '@aico/shared/security';
import { Aico } from './fixtures/aico.ts';

const URL_OF_DATABASE = 'postgres://aico:secret@db.example/aico';

/** A backend in this process whose embedded database passes for a shared one. */
async function sharedHome(t: TestContext) {
  const home = await createTestHome();
  const backend = await startBackend(
    {
      home: home.folder,
      env: {},
      overrides: {
        environment: 'test',
        'core.api_gateway.rest.port': 0,
        'core.logging.console.enabled': false,
        'core.database.keyring_witness': false,
      },
    },
    { sharedSettings: () => ({ 'core.database.url': URL_OF_DATABASE }) },
  );
  t.after(async () => {
    await backend.stop();
    await home.remove();
  });
  return { backend, home: home.folder };
}

test('aico node lists, invites, joins and removes', async (t) => {
  const { backend, home } = await sharedHome(t);
  const aico = await Aico.create(t);
  const there = (...args: string[]) => aico.run(['--home', home, 'node', ...args]);
  const invited = await there('invite');
  assert.equal(invited.code, 0, invited.stderr);
  assert.match(invited.stderr, /root key/);
  const [, invitation = ''] = /^ *Invitation +(\S+)$/m.exec(invited.stdout) ?? [];

  const joined = await aico.run(['node', 'join', invitation, '--key-file', '--name', 'attic', '--json']);
  assert.equal(joined.code, 0, joined.stderr);
  const { node } = joined.json() as { node: string };
  const paths = new AICOPaths({ home: aico.home });
  const config = await readFile(paths.configFile, 'utf8');
  assert.match(config, /url: postgres:\/\/aico:secret@db\.example\/aico/);
  for (const file of [paths.configFile, paths.nodeKeyFile, paths.keySlotsFile])
    assert.equal((await stat(file)).mode & 0o077, 0, file);
  const keys = new AICOKeyManager({ slotsFile: paths.keySlotsFile, keyFile: paths.keyFile });
  await keys.unlock();
  const own = backend.container.getService('key_manager');
  assert.deepEqual(keys.deriveKey('bus/nodes'), own.deriveKey('bus/nodes'));

  const again = await aico.run(['node', 'join', invitation, '--key-file']);
  assert.match(again.stderr, /is a node already/);
  const other = await Aico.create(t);
  const used = await other.run(['node', 'join', invitation, '--key-file']);
  assert.notEqual(used.code, 0);
  assert.match(used.stderr, /was used already/);
  assert.equal(existsSync(new AICOPaths({ home: other.home }).nodeKeyFile), false);

  const list = await there('list');
  assert.match(list.stdout, /attic +absent/);
  assert.match(list.stdout, /\(this one\)/);
  assert.match((await aico.run(['--home', home, 'status'])).stdout, /attic +absent/);
  const removed = await there('remove', node);
  assert.equal(removed.code, 0, removed.stderr);
  assert.match(removed.stderr, /cannot be taken back/);
  assert.doesNotMatch((await there('list')).stdout, /attic/);
  assert.match((await there('remove', node)).stderr, /has no node/);
});

test('aico node refuses an embedded database, a home that is in use, and a text that is no invitation', async (t) => {
  const aico = await Aico.create(t);
  const running = await aico.serve();
  const refused = await aico.run(['node', 'invite']);
  assert.notEqual(refused.code, 0);
  assert.match(refused.stderr, /embedded database[\s\S]*core\.database\.url/);
  assert.match((await aico.run(['node', 'list'])).stdout, /only node/);
  assert.match(
    (await aico.run(['node', 'join', 'A@127.0.0.1:1', '--key-file'])).stderr,
    /this home is in use: it has .*key-slots\.json/,
  );
  running.child.kill('SIGTERM');
  await running.exited;
  const empty = await Aico.create(t);
  for (const text of ['nonsense', 'code@:x'])
    assert.match((await empty.run(['node', 'join', text, '--key-file'])).stderr, /not an invitation/, text);
  await writeFile(path.join(empty.home, 'password'), 'a long enough password\n');
  const both = ['--key-file', '--password-file', path.join(empty.home, 'password')];
  assert.match((await empty.run(['node', 'join', 'A@host', ...both])).stderr, /exclude each other/);
});
