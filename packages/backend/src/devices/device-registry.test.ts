import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { fingerprint } from '@aico/protocol/channel';
import { nobleSuite } from '@aico/protocol/channel/noble';
import { createLogging } from '@aico/shared/core/logging';
import { EncryptedDatabase } from '@aico/shared/data';
import { AuditTrail } from '@aico/shared/data/audit';
import { Value } from 'typebox/value';
import { DeviceRegistry } from './device-registry.ts';
import { devicesSection, Roles } from './roles.ts';
import { OPENINGS_PER_DEVICE } from './seen-openings.ts';

const logger = createLogging({ console: { enabled: false } }).getLogger('test', 'devices');
const roles = new Roles({ owner: ['*'], guest: ['*:read'] });

async function setUp(t: TestContext) {
  const folder = await mkdtemp(path.join(tmpdir(), 'aico-devices-'));
  const database = await EncryptedDatabase.open({ file: path.join(folder, 'a.db'), key: randomBytes(32) });
  t.after(async () => {
    await database.close();
    await rm(folder, { recursive: true });
  });
  const audit = await AuditTrail.open({ database, key: randomBytes(32) });
  const open = async () => {
    const registry = new DeviceRegistry({ database, roles, logger, audit });
    await registry.start();
    return registry;
  };
  return { open, database, audit };
}

const phone = () => ({
  name: 'phone',
  roles: ['guest'],
  publicKey: randomBytes(32),
  psk: randomBytes(32),
});

describe('DeviceRegistry', () => {
  test('paired devices, names and roles survive a restart', async (t) => {
    const { open } = await setUp(t);
    const registry = await open();
    const keys = phone();
    const { id } = await registry.add(keys);
    await registry.rename(id, 'Ada’s phone');
    await registry.setRoles(id, ['owner']);
    await registry.noteSeen(id, randomBytes(32));
    const again = await open();
    assert.deepEqual(again.list(), registry.list());
    const [device] = again.list();
    assert.deepEqual([device?.name, device?.roles], ['Ada’s phone', ['owner']]);
    assert.ok(device?.lastSeenAt);
    assert.equal(device.fingerprint, fingerprint(nobleSuite, keys.publicKey));
    assert.match(device.fingerprint, /^(?:[0-9A-HJKMNP-TV-Z]{4}-){4}[0-9A-HJKMNP-TV-Z]{4}$/);
    assert.deepEqual(Buffer.from(again.byPublicKey(keys.publicKey)?.keys.psk ?? []), keys.psk);
  });

  test('revoking a device takes its rights at once, notifies the listeners and survives a restart', async (t) => {
    const { open } = await setUp(t);
    const registry = await open();
    const keys = phone();
    const { id } = await registry.add(keys);
    const principal = registry.principalOf(id);
    assert.deepEqual(
      [principal.may('public'), principal.may('inbox:read'), principal.may('inbox:import')],
      [true, true, false],
    );
    const told: string[] = [];
    registry.onRevoked((revoked) => told.push(revoked));
    const seen = registry.noteSeen(id, randomBytes(32));
    const revoked = registry.revoke(id);
    assert.deepEqual([principal.may('public'), told], [false, [id]]);
    await Promise.all([seen, revoked]);
    assert.equal(registry.byPublicKey(keys.publicKey), undefined);
    assert.deepEqual((await open()).list(), []);
    await assert.rejects(registry.revoke(id), { code: 'AICO_DEVICE_UNKNOWN' });
  });

  test('an opening is recognised, also after a restart once the device is proven; only the newest are kept', async (t) => {
    const { open, database } = await setUp(t);
    const registry = await open();
    const { id } = await registry.add(phone());
    const openings = Array.from({ length: OPENINGS_PER_DEVICE + 3 }, () => randomBytes(32));
    const unproven = randomBytes(32);
    assert.deepEqual([registry.noteOpening(id, unproven), registry.noteOpening(id, unproven)], [true, false]);
    for (const opening of openings) assert.equal(registry.noteOpening(id, opening), true);
    await Promise.all(openings.map((opening) => registry.noteSeen(id, opening)));
    const { rows } = await database.execute('SELECT device FROM device_opening');
    assert.equal(rows.length, OPENINGS_PER_DEVICE);
    const again = await open();
    for (const opening of openings.slice(3)) assert.equal(again.noteOpening(id, opening), false);
    assert.equal(again.noteOpening(id, unproven), true);
    await again.revoke(id);
    await again.noteSeen(id, randomBytes(32));
    assert.deepEqual((await database.execute('SELECT device FROM device_opening')).rows, []);
  });

  test('a change is recorded with its device, in the transaction that makes it', async (t) => {
    const { open, audit, database } = await setUp(t);
    const registry = await open();
    const device = await registry.add({ ...phone(), source: '192.0.2.1' });
    const { id } = device;
    await registry.rename(id, 'Tablet');
    await registry.setRoles(id, ['owner']);
    await database.execute(
      "CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT raise(ABORT, 'no event is taken'); END",
    );
    await assert.rejects(registry.rename(id, 'Phone'));
    assert.equal(registry.get(id).name, 'Tablet');
    await database.execute('DROP TRIGGER full');
    await registry.revoke(id);
    const events = await audit.query({ first: 'oldest' });
    assert.deepEqual(
      events.map(({ action, actor, subject, details }) => [action, actor, subject === id, details]),
      [
        [
          'device.paired',
          'stranger:192.0.2.1',
          true,
          { name: 'phone', roles: ['guest'], fingerprint: device.fingerprint },
        ],
        ['device.renamed', 'backend', true, { from: 'phone', to: 'Tablet' }],
        ['device.roles_changed', 'backend', true, { from: ['guest'], to: ['owner'] }],
        ['device.revoked', 'backend', true, { name: 'Tablet' }],
      ],
    );
  });

  test('rights follow the roles at once, and an unknown role or a key that is there already is refused', async (t) => {
    const { open } = await setUp(t);
    const registry = await open();
    const keys = phone();
    const { id } = await registry.add(keys);
    const principal = registry.principalOf(id);
    await registry.setRoles(id, ['owner']);
    assert.equal(principal.may('inbox:import'), true);
    await registry.setRoles(id, []);
    assert.deepEqual([principal.may('public'), principal.may('inbox:read')], [true, false]);
    await assert.rejects(registry.setRoles(id, ['king']), { code: 'AICO_DEVICE_ROLE_UNKNOWN' });
    await assert.rejects(registry.add({ ...phone(), publicKey: keys.publicKey }), {
      code: 'AICO_DEVICE_TAKEN',
    });
    for (const grant of ['in box', 'Inbox:read', 'root:*'])
      assert.equal(Value.Check(devicesSection.schema.properties.roles, { odd: [grant] }), false, grant);
  });

  test('a refresh takes over what another node has paired, changed and revoked, and undoes no change of its own', async (t) => {
    const { open, database } = await setUp(t);
    const [here, there] = [await open(), await open()];
    const keys = phone();
    const { id } = await there.add(keys);
    assert.equal(here.byPublicKey(keys.publicKey), undefined);
    await here.refresh();
    assert.deepEqual(here.list(), there.list());
    assert.deepEqual(Buffer.from(here.byPublicKey(keys.publicKey)?.keys.psk ?? []), keys.psk);

    const told: string[] = [];
    here.onRolesChanged((changed) => told.push(`roles of ${changed}`));
    here.onRevoked((revoked) => told.push(`revoked ${revoked}`));
    const principal = here.principalOf(id);
    await there.rename(id, 'Tablet');
    await here.refresh();
    assert.deepEqual([here.get(id).name, told], ['Tablet', []]);
    await there.setRoles(id, ['owner']);
    await here.refresh();
    assert.equal(principal.may('inbox:import'), true);
    await there.revoke(id);
    await here.refresh();
    assert.deepEqual(told, [`roles of ${id}`, `revoked ${id}`]);
    assert.deepEqual([principal.may('public'), here.list()], [false, []]);

    const refreshed = here.refresh();
    const added = here.add(phone());
    await Promise.all([refreshed, added]);
    await here.refresh();
    assert.equal(here.list().length, 1);

    const { id: kept } = await added;
    await database.execute(
      "CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT raise(ABORT, 'no event is taken'); END",
    );
    await assert.rejects(here.revoke(kept));
    await here.refresh();
    assert.deepEqual(here.list(), [], 'a device stays revoked although the disk was full');
  });
});
