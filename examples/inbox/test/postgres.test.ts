import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createTestBackend, type TestBackend } from '@aico/backend/testing';
import { connectLocal } from '@aico/client/local';
import { NO_POSTGRES, PostgresServer } from '../../../packages/shared/test/fixtures/postgres-server.ts';
import { joinFrames } from '../src/frames.ts';

const INBOX = fileURLToPath(new URL('..', import.meta.url));
const MAIL = [
  'From: Ann <ann@example.org>',
  'To: Bob <bob@example.org>',
  'Subject: The harvest festival',
  'Date: Sat, 28 Nov 2026 10:00:00 +0000',
  'Message-ID: <1@example.org>',
  'Content-Type: text/plain; charset=utf-8',
  '',
  'Bring the pumpkins to the barn at noon.',
].join('\r\n');

describe('a backend whose database is on a PostgreSQL server', { skip: NO_POSTGRES }, () => {
  let server: PostgresServer;
  let backend: TestBackend;
  let started: TestBackend | undefined;
  before(async () => {
    server = await PostgresServer.start();
    backend = await createTestBackend({ config: { 'core.database.url': server.url() }, plugins: [INBOX] });
    started = backend;
  });
  after(async () => {
    await started?.stop();
    await server.remove();
  });

  test('starts, is healthy, and its status names the engine and the columns in the clear', async () => {
    const health = await backend.request('/api/v1/health');
    assert.equal(health.status, 200, health.text);
    const status = await backend.request('/api/v1/database/status');
    const { engine, location, capabilities, clear } = status.json() as {
      engine: string;
      location: string;
      capabilities: string[];
      clear: { table: string; columns: string[] }[];
    };
    assert.deepEqual([engine, capabilities], ['PostgreSQL', []]);
    assert.match(location, /^aico@.*\/postgres$/);
    const columns = new Map(clear.map(({ table, columns: names }) => [table, names]));
    assert.ok(columns.get('inbox_messages')?.includes('text'));
    assert.equal(columns.get('device')?.includes('psk'), false);
    assert.equal(columns.get('stream_message')?.includes('body'), false);
    assert.equal(columns.get('idempotency')?.includes('reply'), false);
    assert.equal(columns.has('logs'), false, 'the log stays on this machine');
  });

  test('runs the inbox: imports mail once, lists, searches and reads it', async () => {
    const client = connectLocal({ socketPath: backend.socket ?? '' });
    const send = () =>
      client.json('/api/v1/inbox/import', {
        method: 'POST',
        headers: { 'content-type': 'application/octet-stream' },
        body: joinFrames([Buffer.from(MAIL)]),
      });
    await send();
    await send();
    await client.close();
    const stats = (await backend.request('/api/v1/inbox/stats')).json() as { messages: number };
    assert.equal(stats.messages, 1);
    for (const words of ['pumpkins', 'FESTIVAL', 'pump*', 'harvest barn']) {
      const found = await backend.request(`/api/v1/inbox/search?q=${encodeURIComponent(words)}`);
      const { messages } = found.json() as { messages: { subject: string; snippet: string }[] };
      assert.equal(messages[0]?.subject, 'The harvest festival', `${words}: ${found.text}`);
    }
    const none = await backend.request("/api/v1/inbox/search?q=o'clock%20%26%20!x");
    assert.equal(none.status, 200, none.text);
    await backend.whenIdle();
  });

  test('stores durable messages sealed, and delivers them', async () => {
    const database = backend.container.getService('database');
    const { rows } = await database.execute<{ topic: string; body: Uint8Array }>(
      'SELECT topic, body FROM stream_message ORDER BY number',
    );
    const [message] = rows;
    assert.equal(message?.topic, 'inbox.message.imported');
    assert.equal(Buffer.from(message.body).includes('harvest'), false);
  });

  test('keeps its log in the home, and refuses what the server does by other means', async () => {
    const logs = await backend.request('/api/v1/logs?limit=5');
    assert.equal(logs.status, 200, logs.text);
    for (const [path, body] of [
      ['vacuum', undefined],
      ['check', undefined],
      ['backup', { directory: '/nowhere' }],
    ] as const) {
      const refused = await backend.request(`/api/v1/database/${path}`, { method: 'POST', body });
      assert.equal(refused.status, 409, refused.text);
      assert.equal((refused.json() as { code: string }).code, 'AICO_DATA_CAPABILITY_MISSING');
    }
    const query = await backend.request('/api/v1/database/query', {
      method: 'POST',
      // Not by id: a transaction that runs again has used one up.
      body: {
        sql: 'SELECT count(*) AS n FROM inbox_messages WHERE subject = ?',
        params: ['The harvest festival'],
      },
    });
    assert.deepEqual(query.json(), { columns: ['n'], rows: [[1]], truncated: false });
  });

  test('answers 503 at once while the server is down, and goes on once it is back', async () => {
    await server.halt('SIGQUIT');
    const down = await backend.request('/api/v1/inbox/messages');
    assert.equal(down.status, 503, down.text);
    assert.equal((down.json() as { code: string }).code, 'AICO_DATA_UNREACHABLE');
    const health = (await backend.request('/api/v1/health')).json() as { status: string };
    assert.notEqual(health.status, 'healthy');
    await server.resume();
    let listed = await backend.request('/api/v1/inbox/messages');
    while (listed.status === 503) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      listed = await backend.request('/api/v1/inbox/messages');
    }
    assert.equal(listed.status, 200, listed.text);
  });
});
