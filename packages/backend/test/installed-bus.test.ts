import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestBackend } from '@aico/backend/testing';
import { MessageBusClient } from '@aico/shared/core/bus';

test("new MessageBusClient() reaches the running backend's bus, and ends with the backend", async (t) => {
  const early = new MessageBusClient({ source: 'early' });
  const backend = await createTestBackend();
  t.after(() => backend.stop());
  await early.connect();
  const heard: unknown[] = [];
  await early.subscribe('notes.*', (topic, message, { source }) => void heard.push([topic, message, source]));
  await backend.container.getService('message_bus').publish('notes.made', 1);
  const late = new MessageBusClient({ source: 'late' });
  await late.connect();
  await late.publish('notes.made', 2);
  await late.publish('notes.kept', 3, { durable: true });
  const kept = Promise.withResolvers<unknown>();
  await late.consume('notes.kept', 'late', (_topic, message) => kept.resolve(message));
  assert.equal(await kept.promise, 3);
  await late.close();
  assert.deepEqual(heard, [
    ['notes.made', 1, 'backend'],
    ['notes.made', 2, 'late'],
    ['notes.kept', 3, 'late'],
  ]);
  await backend.stop();
  await assert.rejects(early.publish('notes.made', 4), { code: 'AICO_BUS_NOT_CONNECTED' });
  const alone = new MessageBusClient();
  await alone.connect();
  await alone.close();
});

test('with two backends in one process the client reports the ambiguity and connects to neither', async (t) => {
  const first = await createTestBackend();
  t.after(() => first.stop());
  const second = await createTestBackend();
  t.after(() => second.stop());
  await assert.rejects(new MessageBusClient().connect(), { code: 'AICO_BUS_AMBIGUOUS' });
  await second.stop();
  const client = new MessageBusClient();
  await client.connect();
  await client.close();
});
