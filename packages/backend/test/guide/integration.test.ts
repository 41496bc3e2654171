import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageBusClient } from '@aico/shared/core/bus';
import { ConfigurationManager } from '@aico/shared/core/config';

test('message bus integration: one message on test.*, exactly once', async (t) => {
  const config = new ConfigurationManager({ env: {} });
  await config.initialize({ lightweight: true });
  const client = new MessageBusClient();
  await client.connect();
  t.after(() => client.close());

  const received: unknown[] = [];
  await client.subscribe('test.*', (topic, message) => {
    received.push([topic, message]);
  });
  await client.publish('test.message', { data: 'test' });
  // In place of the guide's sleep: resolves when everything that is queued has been handled.
  await client.drain();
  assert.deepEqual(received, [['test.message', { data: 'test' }]]);
});
