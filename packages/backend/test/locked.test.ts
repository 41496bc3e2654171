import assert from 'node:assert/strict';
import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { test } from 'node:test';
import { createTestBackend, createTestHome, localRequest } from '@aico/backend/testing';

const password = 'seven green owls on a wire';

test('a home that only a person can unlock starts locked, serves no data, and opens with the right password only', async (t) => {
  const home = await createTestHome();
  t.after(() => home.remove());
  const first = await createTestBackend({ home: home.folder, password });
  await first.container
    .getService('database')
    .migrate('test', [{ id: '001', sql: 'CREATE TABLE note (text TEXT)' }]);
  await first.container.getService('database').execute('INSERT INTO note VALUES (?)', ['kept']);
  await first.stop();

  const backend = await createTestBackend({ home: home.folder });
  t.after(() => backend.stop());
  const post = (path: string, body?: unknown) => localRequest(backend.socket, path, { method: 'POST', body });
  assert.equal(backend.isLocked(), true);
  assert.equal(backend.container.findService('database'), undefined);
  assert.equal(backend.container.findService('message_bus'), undefined);
  for (const target of [backend.socket, backend.http]) {
    assert.equal((await localRequest(target, '/livez')).status, 200);
    const ready = await localRequest(target, '/readyz');
    assert.equal(ready.status, 503);
    assert.match(ready.text, /not ready: locked/);
  }
  const refused = await localRequest(backend.socket, '/api/v1/logs');
  assert.equal(refused.status, 503);
  assert.match(refused.text, /AICO_GATEWAY_LOCKED/);

  const wrong = await post('/api/v1/security/unlock', { password: 'seven green owls on a roof' });
  assert.equal(wrong.status, 401);
  assert.match(wrong.text, /AICO_KEY_PASSWORD_WRONG/);
  assert.equal((await post('/api/v1/security/unlock', {})).status, 400);
  assert.equal(backend.isLocked(), true);

  const right = await post('/api/v1/security/unlock', { password });
  assert.deepEqual([right.status, right.json()], [200, { state: 'unlocked' }]);
  assert.equal((await localRequest(backend.http, '/readyz')).status, 200);
  const { rows } = await backend.container.getService('database').execute('SELECT text FROM note');
  assert.deepEqual(rows, [{ text: 'kept' }]);
  assert.equal((await localRequest(backend.socket, '/api/v1/logs')).status, 200);
});

test('lock stops the services that hold data, closes the database and wipes the keys; unlock restarts them', async (t) => {
  const backend = await createTestBackend({ password });
  t.after(() => backend.stop());
  const post = (path: string, body?: unknown) => localRequest(backend.socket, path, { method: 'POST', body });
  const keyManager = backend.container.getService('key_manager');
  for (const _ of [1, 2]) {
    assert.equal(keyManager.isUnlocked, true);
    const locked = await post('/api/v1/security/lock');
    assert.equal(locked.status, 200);
    assert.match(locked.text, /"locked".*overwritten/);
    assert.equal(keyManager.isUnlocked, false);
    assert.throws(() => keyManager.databaseKey(), { code: 'AICO_KEY_LOCKED' });
    if (existsSync('/proc/self/fd')) {
      const open = readdirSync('/proc/self/fd').flatMap((fd) => {
        try {
          return [readlinkSync(`/proc/self/fd/${fd}`)];
        } catch {
          return [];
        }
      });
      assert.deepEqual(
        open.filter((file) => file.startsWith(backend.paths.databaseFile)),
        [],
      );
    }
    assert.equal((await post('/api/v1/security/unlock', { password })).status, 200);
  }
  assert.equal((await localRequest(backend.http, '/readyz')).status, 200);
});

test('a wrong password at the start is refused, and does not start locked', async (t) => {
  const home = await createTestHome();
  t.after(() => home.remove());
  await (await createTestBackend({ home: home.folder, password })).stop();
  await assert.rejects(createTestBackend({ home: home.folder, password: 'something else entirely' }), {
    code: 'AICO_KEY_PASSWORD_WRONG',
  });
});
