/** P5: the cost of a message with 10 000 subscriptions, compared with 10 subscriptions; one of them matches its topic. */
import assert from 'node:assert/strict';
import { TopicTrie } from '@aico/protocol';
import { MessageBusClient } from '@aico/shared/core/bus';
import { type BenchmarkOutcome, spread } from './benchmark.ts';

const ROUNDS = 15;
const MESSAGES = 100_000;
const BURST = 500;

/** Patterns of every kind; only those of `wanted` match the published topics. */
function patterns(count: number): readonly string[] {
  const kinds = [
    (n: number) => `room${n % 97}.sensor${n}.*`,
    (n: number) => `room${n}.*.state`,
    (n: number) => `room${n}.>`,
    (n: number) => `*.sensor${n}.state`,
  ];
  return Array.from({ length: count }, (_, n) => kinds[n % kinds.length]?.(n + 100) ?? '');
}

/** Publishes over the bus, on topics that its cache holds. */
async function bus(subscriptions: number): Promise<() => Promise<number>> {
  const client = new MessageBusClient({ source: 'bench' });
  await client.connect();
  for (const pattern of patterns(subscriptions - 1)) await client.subscribe(pattern, () => {});
  let received = 0;
  await client.subscribe('room1.*.state', () => {
    received += 1;
  });
  const topics = Array.from({ length: 1_000 }, (_, n) => `room1.lamp${n}.state`);
  return async () => {
    received = 0;
    const start = performance.now();
    for (let sent = 0; sent < MESSAGES; sent += BURST) {
      for (let n = 1; n < BURST; n += 1) void client.publish(topics[(sent + n) % 1_000] ?? '', 1);
      await client.publish(topics[sent % 1_000] ?? '', 1);
    }
    await new Promise(setImmediate);
    const ns = ((performance.now() - start) * 1e6) / MESSAGES;
    assert.equal(received, MESSAGES);
    return ns;
  };
}

/** Measures only the matching, without a cache. */
function trie(subscriptions: number): () => number {
  const tree = new TopicTrie<string>(0);
  for (const pattern of patterns(subscriptions - 1)) tree.add(pattern, pattern);
  tree.add('room1.*.state', 'wanted');
  const topics = Array.from({ length: 1_000 }, (_, n) => `room1.lamp${n}.state`);
  return () => {
    const start = performance.now();
    for (let n = 0; n < MESSAGES; n += 1) assert.equal(tree.match(topics[n % 1_000] ?? '').length, 1);
    return ((performance.now() - start) * 1e6) / MESSAGES;
  };
}

export async function benchmark(): Promise<BenchmarkOutcome> {
  const sides = {
    busMany: await bus(10_000),
    busFew: await bus(10),
    trieMany: trie(10_000),
    trieFew: trie(10),
  };
  const times = {
    busMany: [] as number[],
    busFew: [] as number[],
    trieMany: [] as number[],
    trieFew: [] as number[],
  };
  for (let round = 0; round < ROUNDS; round += 1)
    for (const side of ['busMany', 'busFew', 'trieMany', 'trieFew'] as const)
      times[side].push(await sides[side]());
  const steady = (values: readonly number[]) => spread(values.slice(4));
  const remembered = steady(times.busMany).median / steady(times.busFew).median;
  const walked = steady(times.trieMany).median / steady(times.trieFew).median;
  const value = Math.max(remembered, walked);
  return {
    value,
    target: '<= 2',
    ok: value <= 2,
    sides: {
      unit: 'ns/message',
      'bus, 10 000 subscriptions': steady(times.busMany),
      'bus, 10 subscriptions': steady(times.busFew),
      'matching without memory, 10 000': steady(times.trieMany),
      'matching without memory, 10': steady(times.trieFew),
      remembered,
      walked,
    },
  };
}
