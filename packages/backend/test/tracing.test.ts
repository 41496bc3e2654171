import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Envelope } from '@aico/shared/core/bus';
import type { LogRecord } from '@aico/shared/core/logging';
import { startWorld } from './fixtures/through-channel.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';

test('a request continues the trace of its sender, or begins one, and its log lines and messages have it', async (t) => {
  const { backend, gateway, device } = await startWorld(t, () => {});
  const bus = backend.container.getService('message_bus');
  const logger = backend.container.getService('logging').getLogger('notes', 'test');
  const published: Envelope[] = [];
  const lines = new Map<string, LogRecord['context']>();
  await bus.subscribe('notes.*', (_topic, _message, envelope) => void published.push(envelope));
  await bus.subscribe('logs.*', (_topic, record) => {
    const { message, context } = record as LogRecord;
    lines.set(message, context);
  });
  await gateway.mount('notes', (app) => {
    app.post('/', { config: { access: 'public' } }, async ({ traceparent, body }) => {
      // A database call in between, which answers from another async context.
      await backend.container.getService('database').execute('SELECT 1');
      await bus.publish('notes.made', body);
      logger.info('A note was made');
      return { traceparent };
    });
    app.post('/fail', { config: { access: 'public' } }, async () => {
      throw new Error('it failed');
    });
  });
  const phone = await device();
  const headers = { traceparent: `00-${TRACE}-b7ad6b7169203331-01` };
  const body = { text: 'a note' };

  const told = (await phone.ask('/api/v1/notes', { body, headers })).json();
  assert.match(String(told.traceparent), new RegExp(`^00-${TRACE}-(?!b7ad6b7169203331)[0-9a-f]{16}-01$`));
  await phone.ask('/api/v1/notes/fail', { body, headers });
  const begun = await phone.ask('/api/v1/notes', { body, headers: { traceparent: 'nonsense' } });
  assert.equal(
    String(begun.json().traceparent).slice(3, 35),
    String(begun.headers['x-request-id']).replaceAll('-', ''),
  );
  while (published.length < 2 || !lines.has('Request failed')) await new Promise(setImmediate);
  assert.deepEqual(
    published.map(({ traceparent }) => traceparent),
    [told.traceparent, begun.json().traceparent],
  );
  const failed = lines.get('Request failed');
  assert.equal(failed?.traceId, TRACE);
  assert.match(String(failed?.requestId), /^[0-9a-f-]{36}$/);
  const made = lines.get('A note was made');
  assert.equal(made?.requestId, begun.headers['x-request-id']);
  assert.ok(made?.device !== undefined && made.device === failed?.device);
});
