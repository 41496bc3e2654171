import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InProcessBus, MessageBusClient } from '@aico/shared/core/bus';
import { FrameWriter, type RunHead, readRun } from '@aico/shared/core/bus/zeromq';
import fc from 'fast-check';
import { HubSide } from './hub-side.ts';
import type { QueueOwner } from './remote-subscription.ts';
import { RemoteSubscription } from './remote-subscription.ts';

const HEAD: RunHead = {
  topic: 'a.b',
  source: 'peer',
  timeMs: 0,
  timeLeftMs: undefined,
  contentType: 'application/json',
  idPrefix: 'x-',
  traceparent: undefined,
  replyto: undefined,
};

function runOf(bodies: readonly string[]) {
  const writer = new FrameWriter();
  writer.beginRun(HEAD, HEAD);
  for (const [number, body] of bodies.entries()) writer.message(number, body);
  const run = readRun(writer.finish(0x10, 1), 5);
  assert.ok(run !== undefined);
  return run;
}

const deep = '['.repeat(65) + ']'.repeat(65);

test('of a run every message that can be read reaches the plugins, whatever stands beside it', async () => {
  const body = fc.oneof(fc.integer().map(String), fc.constantFrom('{', deep, '"\ud800'));
  await fc.assert(
    fc.asyncProperty(fc.array(body, { minLength: 1, maxLength: 20 }), async (bodies) => {
      const hub = new InProcessBus();
      const plugin = new MessageBusClient({ source: 'plugin', transport: hub });
      await plugin.connect();
      const heard: unknown[] = [];
      await plugin.subscribe('a.*', (_topic, message) => void heard.push(message));
      const side = new HubSide(hub, () => {});
      const readable = bodies.filter((each) => /^-?\d+$/.test(each)).map(Number);
      const publish = (): unknown => side.publish(runOf(bodies), HEAD);
      if (readable.length === bodies.length) publish();
      else assert.throws(publish);
      await plugin.drain();
      assert.deepEqual(heard, readable);
    }),
  );
});

test('what a plugin publishes and cannot travel is counted, and what follows it arrives', async () => {
  const hub = new InProcessBus();
  const plugin = new MessageBusClient({ source: 'plugin', transport: hub });
  await plugin.connect();
  let untravelled = 0;
  const side = new HubSide(hub, () => (untravelled += 1));
  const owner: QueueOwner = { room: 1_000_000, relieve: () => {}, queued: () => {}, expectAnswer: () => {} };
  const subscription = new RemoteSubscription(
    { id: 1, pattern: 'a.*', limit: 100, overflow: 'drop-oldest' },
    owner,
  );
  const release = side.subscribe(subscription, () => {});
  for (const message of [1, new Map(), 2, { at: new Date() }, 3]) await plugin.publish('a.b', message);
  await plugin.publish('a.b', 4, { id: 'i'.repeat(256) });
  await plugin.publish('a.b', 5);
  await plugin.drain();
  assert.deepEqual([subscription.queued, untravelled], [4, 3]);
  release();
});
