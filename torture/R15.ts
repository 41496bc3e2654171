/**
 * R15: handlers whose promises never settle and a peer that never confirms a frame, beside a correct subscriber, in one process
 * and over the broker; and clients that follow a topic through the channel without reading, beside one that reads. The correct
 * subscriber gets every message, the losses of the others are counted exactly, and memory is bounded. The delay of the correct
 * subscriber is compared with its delay without the others. A handler that blocks the thread is not part of the campaign, since
 * it blocks the bus as well.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { InProcessBus, MessageBusClient } from '@aico/shared/core/bus';
import { spread } from '../benchmarks/benchmark.ts';
import { TestBroker } from '../packages/backend/test/fixtures/broker.ts';
import { RawPeer } from '../packages/backend/test/fixtures/raw-peer.ts';
import type { Campaign } from './campaign.ts';
import { slowReaders } from './slow-reader.ts';

/** The number of messages in all rounds of one kind. */
const FULL_COUNT = 100_000;
const ROUNDS = 5;
const BURST = 200;
const QUEUE_LIMIT = 1_024;
const TOPIC = 'load.x';
const MEMORY_LIMIT = 16 * 1_048_576;
const ARRIVAL_MS = 10_000;
const DELAY_LIMIT_MS = 50;
/** Fewer messages for clients, since each takes more work than one for a handler. */
const CHANNEL_SHARE = 2;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

interface World {
  readonly publisher: MessageBusClient;
  readonly good: MessageBusClient;
  readonly bad: MessageBusClient;
  /** Adds a peer that subscribes and never confirms. */
  readonly silence: () => Promise<void>;
  readonly end: () => Promise<void>;
}

interface Outcome {
  /** Milliseconds from publish to handler. */
  readonly worst: number;
  readonly p99: number;
  readonly grown: number;
  readonly faults: readonly string[];
}

export const campaign: Campaign = async ({ count = FULL_COUNT, report }) => {
  const results: Record<string, unknown> = {};
  const perRun = Math.ceil(count / ROUNDS);
  let failures = 0;
  let added = 0;
  const worlds: Readonly<Record<string, (isBeset: boolean) => Promise<Outcome>>> = {
    ...Object.fromEntries(
      Object.entries(WORLDS).map(([name, create]) => [
        name,
        (isBeset: boolean) => run(create, perRun, isBeset),
      ]),
    ),
    channel: (isBeset) => slowReaders(Math.ceil(perRun / CHANNEL_SHARE), isBeset, collect),
  };
  for (const [name, play] of Object.entries(worlds)) {
    const alone: Outcome[] = [];
    const beside: Outcome[] = [];
    // The sides take turns, so that the load of the machine affects both.
    for (let round = 0; round < ROUNDS; round += 1) {
      alone.push(await play(false));
      beside.push(await play(true));
    }
    const worst = {
      alone: spread(alone.map((outcome) => outcome.worst)),
      beside: spread(beside.map((outcome) => outcome.worst)),
    };
    const addedMs = Math.max(0, worst.beside.median - worst.alone.median);
    added = Math.max(added, addedMs);
    results[name] = {
      worstDelayMs: worst,
      addedMs,
      p99DelayMs: {
        alone: spread(alone.map((outcome) => outcome.p99)),
        beside: spread(beside.map((outcome) => outcome.p99)),
      },
      grownBytes: spread(beside.map((outcome) => outcome.grown)),
    };
    for (const fault of [...alone, ...beside].flatMap((outcome) => outcome.faults)) {
      report(`${name}: ${fault}`);
      failures += 1;
    }
  }
  const runs = ROUNDS * 2 * Object.keys(worlds).length;
  return { runs, failures, ok: failures === 0 && added < DELAY_LIMIT_MS, addedMs: added, ...results };
};

async function run(create: () => Promise<World>, count: number, isBeset: boolean): Promise<Outcome> {
  const world = await create();
  try {
    const hang = (): Promise<void> => new Promise(() => {});
    const kinds = isBeset ? (['drop-oldest', 'drop-newest'] as const) : [];
    const hung = await Promise.all(
      kinds.map((overflow) => world.bad.subscribe('load.*', hang, { queueLimit: QUEUE_LIMIT, overflow })),
    );
    if (isBeset) await world.silence();
    const delays: number[] = [];
    const waiting = new Map<number, () => void>();
    await world.good.subscribe('load.*', (_topic, message) => {
      const { at } = message as { at: number };
      delays.push(performance.now() - at);
      waiting.get(delays.length)?.();
    });
    const arrived = (total: number): Promise<void> => {
      if (delays.length >= total) return Promise.resolve();
      return new Promise((resolve) => waiting.set(total, resolve));
    };
    const text = 'x'.repeat(200);
    let sent = 0;
    const send = async (until: number): Promise<void> => {
      while (sent < until) {
        const burst = Math.min(BURST, until - sent);
        await Promise.all(
          Array.from({ length: burst }, () =>
            world.publisher.publish(TOPIC, { at: performance.now(), text }),
          ),
        );
        sent += burst;
        await arrived(sent);
      }
    };
    // Memory is first measured when the queues are full, so that only unbounded growth counts.
    await send(Math.floor(count / 2));
    collect();
    const before = process.memoryUsage().heapUsed + process.memoryUsage().external;
    await send(count);
    collect();
    const grown = process.memoryUsage().heapUsed + process.memoryUsage().external - before;
    const faults: string[] = [];
    // The frames of these subscribers may still be in flight.
    const deadline = performance.now() + ARRIVAL_MS;
    while (hung.some(({ stats }) => stats.dropped + stats.queued < count) && performance.now() < deadline)
      await new Promise(setImmediate);
    for (const { stats } of hung) {
      const expected = { delivered: 0, dropped: Math.max(0, count - QUEUE_LIMIT - 1), failed: 0 };
      const all = stats.dropped + stats.queued;
      if (all !== count || stats.delivered + stats.failed !== 0 || stats.dropped !== expected.dropped)
        faults.push(`counts ${JSON.stringify(stats)} of ${count} sent`);
    }
    if (delays.length !== count) faults.push(`the correct subscriber got ${delays.length} of ${count}`);
    if (grown > MEMORY_LIMIT) faults.push(`memory has grown by ${grown} bytes`);
    const sorted = delays.sort((a, b) => a - b);
    const at = (share: number): number => sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
    return { worst: at(1), p99: at(0.99), grown, faults };
  } finally {
    await world.end();
  }
}

const WORLDS: Readonly<Record<string, () => Promise<World>>> = {
  'in-process': async () => {
    const transport = new InProcessBus();
    const client = new MessageBusClient({ source: 'load', transport, onError: () => {} });
    await client.connect();
    return {
      publisher: client.as('publisher'),
      good: client.as('good'),
      bad: client.as('bad'),
      silence: async () => {},
      end: () => client.close(),
    };
  },
  broker: async () => {
    const may = { publish: ['load.>'], subscribe: ['load.>'] };
    const broker = await TestBroker.start({ publisher: may, good: may, bad: may, silent: may });
    const peers: RawPeer[] = [];
    return {
      publisher: await broker.client('publisher'),
      good: await broker.client('good'),
      bad: await broker.client('bad'),
      silence: async () => {
        const keys = broker.secrets.get('silent');
        if (keys === undefined) throw new TypeError('the silent peer has no key');
        const peer = new RawPeer({ endpoint: broker.endpoint, serverKey: broker.keys.publicKey, keys });
        peers.push(peer);
        await peer.join('silent', keys.secretKey, broker.keys.publicKey);
        const answer = await peer.trySubscribe(1, 'load.*');
        if (answer !== 'taken') throw new Error(`the silent peer's subscription: ${answer}`);
      },
      end: async () => {
        for (const peer of peers) peer.close();
        await broker.stop();
      },
    };
  },
};
