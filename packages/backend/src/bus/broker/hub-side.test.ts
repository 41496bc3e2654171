import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AicoError } from '@aico/protocol';
import { InProcessBus, MessageBusClient } from '@aico/shared/core/bus';
import { FrameWriter } from '@aico/shared/core/bus/frames';
import fc from 'fast-check';
import { frameBatch } from '../../../test/fixtures/frame-batch.ts';
import type { QueueOwner } from '../queues/remote-subscription.ts';
import { RemoteSubscription } from '../queues/remote-subscription.ts';
import { HubSide } from './hub-side.ts';

const deep = '['.repeat(65) + ']'.repeat(65);

test('every readable message of a batch reaches the plugins, even beside an unreadable one', async () => {
  const body = fc.oneof(fc.integer().map(String), fc.constantFrom('{', deep, '"\ud800'));
  await fc.assert(
    fc.asyncProperty(fc.array(body, { minLength: 1, maxLength: 20 }), async (bodies) => {
      const hub = new InProcessBus();
      const plugin = new MessageBusClient({ source: 'plugin', transport: hub });
      await plugin.connect();
      const heard: unknown[] = [];
      await plugin.subscribe('a.*', (_topic, message) => void heard.push(message));
      const side = new HubSide({ hub, messageBytes: 1_048_576, onError: () => {} });
      const readable = bodies.filter((each) => /^-?\d+$/.test(each)).map(Number);
      const publish = (): unknown => side.publish(frameBatch(...bodies));
      if (readable.length === bodies.length) publish();
      else assert.throws(publish);
      await plugin.drain();
      assert.deepEqual(heard, readable);
    }),
  );
});

const BYTES = 10_000;
const owner: QueueOwner = { room: 1_000_000, relieve: () => {}, queued: () => {}, expectAnswer: () => {} };

async function withPlugin(
  work: (plugin: MessageBusClient, subscription: RemoteSubscription) => Promise<void>,
) {
  const hub = new InProcessBus();
  const plugin = new MessageBusClient({ source: 'plugin', transport: hub });
  await plugin.connect();
  const errors: unknown[] = [];
  const side = new HubSide({ hub, messageBytes: BYTES, onError: (error) => errors.push(error) });
  const content = { id: 1, pattern: 'a.*', limit: 100, overflow: 'drop-oldest' } as const;
  const subscription = new RemoteSubscription(content, owner);
  const release = side.subscribe(subscription, () => {});
  await work(plugin, subscription);
  await plugin.drain();
  void release.end();
  return errors.map((error) => (error instanceof AicoError ? error.code : error));
}

test('a message of a plugin that cannot be encoded is counted, and later ones arrive', async () => {
  const errors = await withPlugin(async (plugin, subscription) => {
    for (const message of [1, new Map(), 2, { at: new Date() }, 3]) await plugin.publish('a.b', message);
    await plugin.publish('a.b', 5);
    await plugin.drain();
    assert.equal(subscription.queued, 4);
  });
  assert.deepEqual(errors, ['AICO_BUS_PAYLOAD', 'AICO_BUS_PAYLOAD']);
});

test("a message of a plugin above the broker's limit does not leave the process, alone or in a burst", async () => {
  const errors = await withPlugin(async (plugin, subscription) => {
    const messages = [
      'x'.repeat(BYTES),
      1,
      'x'.repeat(BYTES - 2),
      new Uint8Array(BYTES + 1),
      2,
      'ü'.repeat(BYTES / 2),
    ];
    await Promise.all(messages.map((message) => plugin.publish('a.b', message)));
    await plugin.drain();
    assert.equal(subscription.queued, 3);
    const writer = new FrameWriter();
    while (!subscription.isEmpty) subscription.drainInto(writer, Number.MAX_SAFE_INTEGER);
    assert.ok(writer.length < BYTES + 1_000);
  });
  assert.deepEqual(errors, Array(3).fill('AICO_BUS_TOO_LARGE'));
});
