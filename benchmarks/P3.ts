/**
 * P3: messages/s of the in-process bus with one subscriber of `a.*`, compared with a bare EventEmitter call with the same payload
 * object. A message counts when the handler has received it; both sides must handle the same number.
 */
import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { MessageBusClient } from '@aico/shared/core/bus';
import { type BenchmarkOutcome, spread } from './benchmark.ts';

const ROUNDS = 45;
const BURSTS = 200;
/** The default queue limit of a subscription, so that nothing is dropped. */
const BURST = 1_000;

interface Payload {
  readonly id: number;
  readonly name: string;
  readonly tags: readonly string[];
}

export async function benchmark(): Promise<BenchmarkOutcome> {
  const payload: Payload = { id: 1, name: 'note', tags: ['a', 'b'] };
  let received = 0;

  const emitter = new EventEmitter();
  emitter.on('a.b', (message: Payload) => {
    received += message.id;
  });
  const bare = async (): Promise<void> => {
    for (let burst = 0; burst < BURSTS; burst += 1) {
      for (let i = 0; i < BURST; i += 1) emitter.emit('a.b', payload);
      await Promise.resolve();
    }
  };

  const client = new MessageBusClient({ source: 'bench' });
  await client.connect();
  const subscription = await client.subscribe('a.*', (_topic, message) => {
    received += (message as Payload).id;
  });
  const bus = async (): Promise<void> => {
    for (let burst = 0; burst < BURSTS; burst += 1) {
      for (let i = 1; i < BURST; i += 1) void client.publish('a.b', payload);
      await client.publish('a.b', payload);
    }
    while (subscription.stats.queued > 0) await new Promise(setImmediate);
  };
  const awaited = async (): Promise<void> => {
    for (let i = 0; i < BURST * BURSTS; i += 1) await client.publish('a.b', payload);
    while (subscription.stats.queued > 0) await new Promise(setImmediate);
  };
  const fresh = async (): Promise<void> => {
    for (let burst = 0; burst < BURSTS; burst += 1) {
      for (let i = 1; i < BURST; i += 1)
        void client.publish('a.b', { id: 1, name: 'note', tags: ['a', 'b'] });
      await client.publish('a.b', payload);
    }
    while (subscription.stats.queued > 0) await new Promise(setImmediate);
  };

  const measure = async (side: () => Promise<void>): Promise<number> => {
    received = 0;
    const start = performance.now();
    await side();
    const seconds = (performance.now() - start) / 1_000;
    assert.equal(received, BURST * BURSTS, 'every message reached the handler');
    return received / seconds;
  };

  const rates = { bare: [] as number[], bus: [] as number[], awaited: [] as number[], fresh: [] as number[] };
  for (let round = 0; round < ROUNDS; round += 1) {
    rates.bare.push(await measure(bare));
    rates.bus.push(await measure(bus));
  }
  // Reported in addition: the cost of awaiting each publish, and of freezing a new payload for each message.
  for (let round = 0; round < ROUNDS; round += 1) {
    rates.awaited.push(await measure(awaited));
    rates.fresh.push(await measure(fresh));
  }
  const { dropped, failed } = subscription.stats;
  await client.close();

  // The first rounds include compilation and do not count.
  const steady = (values: readonly number[]) => spread(values.slice(5));
  // The ratio is computed for each round, whose two sides ran under the same load of the machine.
  const ratios = steady(rates.bus.map((rate, round) => rate / (rates.bare[round] ?? Number.NaN)));
  const value = ratios.median;
  return {
    value,
    target: '>= 0.5',
    ok: value >= 0.5 && dropped === 0 && failed === 0,
    sides: {
      unit: 'messages/s',
      ratios,
      bus: steady(rates.bus),
      eventEmitter: steady(rates.bare),
      busEveryPublishAwaited: steady(rates.awaited),
      busFreshPayloadEachTime: steady(rates.fresh),
      dropped,
      failed,
    },
  };
}
