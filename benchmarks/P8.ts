/**
 * P8: event-loop delay under 64 concurrent durable writers through the database service, compared with the bare driver on the
 * main thread. The bare side returns to the event loop after every round of its 64 writers, as 64 request handlers would.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type BenchmarkOutcome, spread } from './benchmark.ts';
import { IN_FLIGHT, openBenchStore, ratePerSecond } from './store.ts';

const ROUNDS = 5;
const ROUND_MS = 1_500;
const RESOLUTION_MS = 1;
const TABLE = 'CREATE TABLE entry (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, text TEXT NOT NULL)';
const INSERT = 'INSERT INTO entry (at, text) VALUES (?, ?)';
const TEXT = 'x'.repeat(200);

/** The 99th percentile of the delay of the event loop in milliseconds, beyond the interval of the timer. */
async function delayDuring(work: () => Promise<unknown>): Promise<number> {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  await work();
  histogram.disable();
  return Math.max(0, histogram.percentile(99) / 1e6 - RESOLUTION_MS);
}

export async function benchmark(): Promise<BenchmarkOutcome> {
  const { service, bare, close } = await openBenchStore();
  try {
    await service.execute(TABLE);
    bare.exec(TABLE);
    const insert = bare.prepare(INSERT);
    const serviceWriters = () => ratePerSecond(ROUND_MS, () => service.execute(INSERT, [1, TEXT]));
    const bareWriters = async (): Promise<void> => {
      const start = performance.now();
      while (performance.now() - start < ROUND_MS) {
        for (let writer = 0; writer < IN_FLIGHT; writer += 1) insert.run(1, TEXT);
        await nextTurn();
      }
    };
    await ratePerSecond(300, () => service.execute(INSERT, [1, TEXT]));
    const delays = { service: [] as number[], bare: [] as number[] };
    for (let round = 0; round < ROUNDS; round += 1) {
      delays.bare.push(await delayDuring(bareWriters));
      delays.service.push(await delayDuring(serviceWriters));
    }
    const value = spread(delays.service).median;
    const ratio = value / spread(delays.bare).median;
    return {
      value,
      target: '<= 10 ms and <= 0.1 x the bare driver on the main thread',
      ok: value <= 10 && ratio <= 0.1,
      sides: { unit: 'ms, p99', service: spread(delays.service), bareDriver: spread(delays.bare), ratio },
    };
  } finally {
    await close();
  }
}
