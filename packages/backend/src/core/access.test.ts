import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { ANONYMOUS, covers, GRANT, isAccess, OWNER, permits } from './access.ts';

const word = fc.stringMatching(/^[a-z][a-z0-9_-]{0,6}$/);
const capability = fc.array(word, { minLength: 2, maxLength: 4 }).map((words) => words.join(':'));
const grants = new RegExp(GRANT);

describe('capabilities', () => {
  test('a grant without a star covers itself and nothing else', () => {
    fc.assert(
      fc.property(capability, capability, (one, other) => {
        assert.equal(covers(one, one), true);
        assert.equal(covers(one, other), one === other);
      }),
    );
  });

  test('a star is one word, and at the end any rest but none', () => {
    assert.equal(covers('*', 'inbox:read'), true);
    assert.equal(covers('*:read', 'inbox:read'), true);
    assert.equal(covers('*:read', 'inbox:messages:read'), false);
    assert.equal(covers('inbox:*', 'inbox:messages:read'), true);
    assert.equal(covers('inbox:*', 'inbox'), false);
    assert.equal(covers('inbox:*:read', 'inbox:messages:write'), false);
    assert.equal(covers('inbox:read:*', 'inbox:read'), false);
  });

  test('no wildcard covers a root right, and a leading one covers no owner within the backend', () => {
    for (const grant of ['*', '*:*', 'root', '*:database:query', '*:read'])
      assert.equal(covers(grant, 'root:database:query'), false, grant);
    assert.equal(covers('root:database:query', 'root:database:query'), true);
    for (const grant of ['root:*', 'root:database:*']) assert.equal(grants.test(grant), false, grant);
    for (const room of ['bus', 'database', 'devices', 'logs', 'security', 'system']) {
      assert.equal(covers('*:read', `${room}:read`), false, room);
      assert.equal(covers('*', `${room}:read`), true, room);
      assert.equal(covers(`${room}:*`, `${room}:read`), true, room);
    }
  });

  test('a value that is neither a capability nor "public" is not an access', () => {
    for (const good of ['public', 'inbox:read', 'a-b:c_d:e']) assert.equal(isAccess(good), true, good);
    for (const bad of ['', 'inbox', 'Inbox:read', 'inbox:', ':read', 'inbox:*', undefined, 7])
      assert.equal(isAccess(bad), false, String(bad));
    for (const good of ['*', '*:read', 'inbox:*', 'inbox:read']) assert.equal(grants.test(good), true, good);
    for (const bad of ['', 'in*', 'inbox:', '**']) assert.equal(grants.test(bad), false, bad);
  });

  test('the owner may do everything, a device what its roles permit, an unknown connection nothing, not even public routes', () => {
    assert.equal(OWNER.may('inbox:read'), true);
    assert.equal(ANONYMOUS.may('public'), false);
    const guest = ['*:read'];
    assert.deepEqual(
      [permits(guest, 'public'), permits(guest, 'inbox:read'), permits(guest, 'inbox:import')],
      [true, true, false],
    );
  });
});
