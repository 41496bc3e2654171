/**
 * P9: what `logger.info(message, fields)` costs its caller, beside pino writing the same to /dev/null. Ours redacts,
 * copies, writes the console line with pino to /dev/null too, and puts the line on its way to the log store; what
 * happens after the call returns is not the caller's and is measured by P10.
 */
import assert from 'node:assert/strict';
import { MessageBusClient } from '@aico/shared/core/bus';
import { createLogging } from '@aico/shared/core/logging';
import { pino } from 'pino';
import { type BenchmarkOutcome, spread } from './benchmark.ts';

const ROUNDS = 25;
const CALLS = 10_000;
/** The lines that a log store takes at once. */
const BATCH = { lines: 1_024, size: 4 * 1_048_576 };

export async function benchmark(): Promise<BenchmarkOutcome> {
  const fields = (n: number) => ({
    request_id: 'a81bc81b-dead-4e5d-abff-90865d1e13b1',
    event_type: 'request',
    n,
  });
  let stored = 0;
  const bus = new MessageBusClient({ source: 'bench', owns: ['logging'] });
  await bus.connect();
  await bus.subscribe(
    'logs.*',
    () => {
      stored += 1;
    },
    { queueLimit: 262_144 },
  );

  const full = createLogging({ console: { stream: pino.destination({ dest: '/dev/null', sync: true }) } });
  full.attach(bus);
  full.queue.listen(() => void full.queue.take(BATCH));
  const quiet = createLogging({ console: { enabled: false } });
  quiet.attach(bus);
  quiet.queue.listen(() => void quiet.queue.take(BATCH));
  const written = pino(pino.destination({ dest: '/dev/null', sync: true })).child({
    service: 's',
    component: 'c',
  });
  const buffered = pino(pino.destination({ dest: '/dev/null', sync: false, minLength: 4_096 })).child({
    service: 's',
    component: 'c',
  });

  const fullLogger = full.getLogger('s', 'c');
  const quietLogger = quiet.getLogger('s', 'c');
  const sides = {
    full: (n: number): void => fullLogger.info('Processing request', fields(n)),
    quiet: (n: number): void => quietLogger.info('Processing request', fields(n)),
    written: (n: number): void => written.info(fields(n), 'Processing request'),
    buffered: (n: number): void => buffered.info(fields(n), 'Processing request'),
  };
  const times = {
    full: [] as number[],
    quiet: [] as number[],
    written: [] as number[],
    buffered: [] as number[],
  };
  for (let round = 0; round < ROUNDS; round += 1)
    for (const side of ['full', 'written', 'quiet', 'buffered'] as const) {
      const call = sides[side];
      const start = performance.now();
      for (let n = 0; n < CALLS; n += 1) call(n);
      times[side].push(((performance.now() - start) * 1e6) / CALLS);
      await full.flush();
      await quiet.flush();
    }
  await bus.drain();
  const lost = full.stats.dropped + quiet.stats.dropped;
  assert.equal(stored + lost, 2 * ROUNDS * CALLS, 'every line is accounted for');
  const steady = (values: readonly number[]) => spread(values.slice(5));
  const value = steady(times.full).median / steady(times.written).median;
  return {
    value,
    target: '<= 2',
    ok: value <= 2 && lost === 0,
    sides: {
      unit: 'ns/call',
      'aico: console to /dev/null, and the bus': steady(times.full),
      'pino to /dev/null': steady(times.written),
      'aico: the bus alone': steady(times.quiet),
      'pino to /dev/null, buffered': steady(times.buffered),
      lost,
    },
  };
}
