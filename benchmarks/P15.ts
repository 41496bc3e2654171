/**
 * P15: durable publishes/s, 64 in flight, each acknowledged after its fsync, compared with the single-row writes of P6 through
 * the same database service, in interleaved rounds. The work of consumers is not counted.
 */
import assert from 'node:assert/strict';
import { InProcessBus, MessageBusClient } from '@aico/shared/core/bus';
import { DurableStreams } from '@aico/shared/data/streams';
import { type BenchmarkOutcome, spread } from './benchmark.ts';
import { openBenchStore, ratePerSecond } from './store.ts';

const ROUNDS = 7;
const ROUND_MS = 700;
const TABLE = 'CREATE TABLE entry (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, text TEXT NOT NULL)';
const INSERT = 'INSERT INTO entry (at, text) VALUES (?, ?)';
const TEXT =
  'a line of a diary, not a long one, a hundred characters or so as people write them in the evening';

export async function benchmark(): Promise<BenchmarkOutcome> {
  const { service, close } = await openBenchStore();
  const streams = new DurableStreams({ database: service });
  const bus = new MessageBusClient({ source: 'bench', transport: new InProcessBus(), durable: streams });
  try {
    await service.execute(TABLE);
    await streams.start();
    await bus.connect();
    let published = 0;
    const publish = (): Promise<unknown> => {
      published += 1;
      return bus.publish('diary.line', { at: published, text: TEXT }, { durable: true });
    };
    let written = 0;
    const write = (): Promise<unknown> => {
      written += 1;
      return service.execute(INSERT, [written, TEXT]);
    };
    const sides = { publishes: [] as number[], writes: [] as number[] };
    await ratePerSecond(300, publish);
    await ratePerSecond(300, write);
    for (let round = 0; round < ROUNDS; round += 1) {
      sides.writes.push(await ratePerSecond(ROUND_MS, write));
      sides.publishes.push(await ratePerSecond(ROUND_MS, publish));
    }
    assert.equal((await streams.figures()).messages, published, 'every acknowledged message is stored');
    const value = spread(sides.publishes).median / spread(sides.writes).median;
    return {
      value,
      target: '>= 0.5',
      ok: value >= 0.5,
      sides: { unit: 'per second', publishes: spread(sides.publishes), writes: spread(sides.writes) },
    };
  } finally {
    await bus.close();
    await close();
  }
}
