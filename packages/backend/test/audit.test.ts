/** Each security-relevant change of a backend is in the audit trail, once. */
import assert from 'node:assert/strict';
import { appendFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { definePlugin } from '@aico/backend/plugin';
import { createTestBackend, localRequest, type TestBackend } from '@aico/backend/testing';
import { createPairingCode, parsePairingCode } from '@aico/protocol/channel';
import { sodiumSuite } from '@aico/protocol/channel/node';
import { curveKeyPair } from '@aico/shared/core/bus/zeromq/keys';
import { editConfigFile } from '@aico/shared/core/config';
import type { AuditRecord, AuditVerdict } from '@aico/shared/data/audit';
import { pairWith } from './fixtures/channel.ts';

const PASSWORD = 'five boxing wizards jump quickly';

describe('the audit trail', () => {
  let backend: TestBackend;
  let failsOnce = false;

  before(async () => {
    const idle = definePlugin({
      name: 'idle',
      version: '1.0.0',
      description: 'Does nothing',
      start() {
        if (!failsOnce) return;
        failsOnce = false;
        throw new Error('not this time');
      },
    });
    backend = await createTestBackend({
      plugins: [idle],
      config: { 'core.message_bus.broker.port': 0 },
    });
  });
  after(() => backend.stop());

  async function ask(path: string, method = 'GET', body?: unknown): Promise<Record<string, unknown>> {
    const reply = await localRequest(backend.socket, `/api/v1/${path}`, { method, body });
    return reply.text === '' ? {} : (reply.json() as Record<string, unknown>);
  }

  async function events(query: string): Promise<readonly AuditRecord[]> {
    return (await ask(`audit?${query}`)).events as readonly AuditRecord[];
  }

  /** The events that `work` causes, without those that a test cannot foresee. */
  async function eventsOf(work: () => Promise<unknown>): Promise<readonly AuditRecord[]> {
    const [newest] = await events('limit=1');
    await work();
    return events(`first=oldest&after=${newest?.seq ?? 0}`);
  }

  const shown = ({ actor, action, subject, outcome, details: { request: _, ...details } }: AuditRecord) => [
    actor,
    action,
    subject,
    outcome,
    details,
  ];

  test('begins with the creation of the keys and the configuration of the first start', async () => {
    const [created, config] = await events('first=oldest');
    assert.deepEqual(created && shown(created), [
      'backend',
      'keys.created',
      '',
      'done',
      { kinds: ['key-file'] },
    ]);
    assert.equal(config?.action, 'config.changed');
    assert.ok(JSON.stringify(config?.details.keys).includes('"core.message_bus.broker.port"'));
  });

  test('has each pairing, a refused one too, and each change of a device', async () => {
    let id = '';
    const found = await eventsOf(async () => {
      const { code } = (await ask('devices/pairings', 'POST', { roles: ['guest'] })) as { code: string };
      const wanted = parsePairingCode(sodiumSuite, code).id;
      const guess = createPairingCode(sodiumSuite, (other) => other !== wanted).text;
      await assert.rejects(pairWith(backend.http, guess));
      await pairWith(backend.http, code);
      const { devices } = (await ask('devices')) as { devices: readonly { readonly id: string }[] };
      id = devices[0]?.id ?? '';
      await ask(`devices/${id}`, 'PATCH', { name: 'Phone', roles: ['owner'] });
      await ask(`devices/${id}`, 'DELETE');
      assert.equal((await ask(`devices/${id}`, 'DELETE')).code, 'AICO_DEVICE_UNKNOWN');
    });
    const { fingerprint } = found[2]?.details ?? {};
    assert.deepEqual(found.map(shown), [
      ['local', 'device.code_issued', '', 'done', { roles: ['guest'] }],
      ['stranger:127.0.0.1', 'device.paired', '', 'failed', {}],
      [
        'stranger:127.0.0.1',
        'device.paired',
        id,
        'done',
        { name: 'test device', roles: ['guest'], fingerprint },
      ],
      ['local', 'device.renamed', id, 'done', { from: 'test device', to: 'Phone' }],
      ['local', 'device.roles_changed', id, 'done', { from: ['guest'], to: ['owner'] }],
      ['local', 'device.revoked', id, 'done', { name: 'Phone' }],
    ]);
    assert.match(String(found[3]?.details.request), /\w/);
  });

  test('has bus grants, deleted lines and levels of the log, and changes of plugins, also one that failed', async () => {
    const found = await eventsOf(async () => {
      const { publicKey } = curveKeyPair();
      await ask('bus/grants', 'POST', { component: 'mail', public_key: publicKey, publish: ['mail.>'] });
      await ask('bus/grants/mail', 'DELETE');
      await ask('logs?service=mail&text=hunter2', 'DELETE');
      await ask('logs/levels', 'PUT', { target: 'mail', level: 'warn' });
      await ask('plugins/idle/reload', 'POST');
      failsOnce = true;
      await ask('plugins/idle/reload', 'POST');
      await ask('plugins/idle/disable', 'POST');
      await ask('plugins/idle/enable', 'POST');
    });
    const plugin = { version: '1.0.0', module: found[4]?.details.module };
    assert.deepEqual(found.map(shown), [
      ['local', 'bus.granted', 'mail', 'done', { publish: ['mail.>'], subscribe: [], renewed: false }],
      ['local', 'bus.revoked', 'mail', 'done', {}],
      ['local', 'log.deleted', '', 'done', { filter: { service: 'mail', text: '[not recorded]' } }],
      ['local', 'log.level_changed', 'mail', 'done', { level: 'warn' }],
      ['local', 'plugin.reloaded', 'idle', 'done', plugin],
      ['local', 'plugin.reloaded', 'idle', 'failed', { code: 'AICO_PLUGIN_CHANGE' }],
      ['local', 'plugin.disabled', 'idle', 'done', plugin],
      ['local', 'plugin.enabled', 'idle', 'done', plugin],
    ]);
  });

  test('has changes of the keys, attempts to unlock and the lock, although the database is closed meanwhile', async () => {
    let slot = '';
    const found = await eventsOf(async () => {
      const keys = backend.container.getService('key_manager');
      slot = await keys.addPassword(PASSWORD);
      await ask('security/lock', 'POST');
      assert.equal(
        (await ask('security/unlock', 'POST', { password: 'wrong' })).code,
        'AICO_KEY_PASSWORD_WRONG',
      );
      await ask('security/unlock', 'POST', { password: PASSWORD });
      await keys.removeSlot(slot);
    });
    assert.deepEqual(found.map(shown), [
      ['backend', 'keys.slot_added', slot, 'done', { kind: 'password' }],
      ['local', 'keys.locked', '', 'done', {}],
      ['local', 'keys.unlocked', '', 'failed', { code: 'AICO_KEY_PASSWORD_WRONG' }],
      ['local', 'keys.unlocked', slot, 'done', { kind: 'password' }],
      ['backend', 'keys.slot_removed', slot, 'done', {}],
    ]);
  });

  test('names the keys of a changed configuration and no value, and counts damaged lines of the file of pending events', async () => {
    const found = await eventsOf(async () => {
      const { configFile, auditPendingFile } = backend.paths;
      await editConfigFile(configFile, ['core', 'security', 'password'], 'a new secret');
      await backend.config.reload();
      await appendFile(auditPendingFile, 'no event\n');
    });
    assert.deepEqual(found.map(shown), [
      ['backend', 'audit.damaged', '', 'done', { lines: 1 }],
      ['backend', 'config.changed', '', 'done', { keys: ['core.security.password'] }],
    ]);
  });

  test('is read page by page and by its filters', async () => {
    const all = await events('');
    const pages: AuditRecord[] = [];
    for (let before: number | undefined; ; before = pages.at(-1)?.seq) {
      const page = await events(`limit=5${before === undefined ? '' : `&before=${before}`}`);
      if (page.length === 0) break;
      pages.push(...page);
    }
    assert.deepEqual(pages, all);
    assert.deepEqual(
      all.map(({ seq }) => seq),
      all.map((_, index) => all.length - index),
    );
    const failed = await events('outcome=failed&first=oldest');
    assert.deepEqual(
      failed.map(({ action }) => action),
      ['device.paired', 'plugin.reloaded', 'keys.unlocked'],
    );
    const { time = 0 } = failed[0] ?? {};
    const since = await events(`since=${new Date(time + 1).toISOString()}&action=device.paired`);
    assert.equal(
      since.every((event) => event.time > time),
      true,
    );
  });

  test('is in order, and names the first row that was changed', async () => {
    const verdict = (await ask('audit/verify', 'POST')) as unknown as AuditVerdict;
    assert.deepEqual(verdict, { ok: true, rows: (await events('limit=1'))[0]?.seq });
    const database = backend.container.getService('database');
    await database.execute("UPDATE audit SET actor = 'local' WHERE seq = 4");
    const changed = (await ask('audit/verify', 'POST')) as unknown as AuditVerdict;
    assert.equal(!changed.ok && changed.firstBroken, 4);
  });
});
