/**
 * P9: what `logger.info(message, fields)` costs its caller, beside pino writing the same line to /dev/null. The logger redacts and
 * copies the fields, writes the line to /dev/null with pino too, and queues it for the bus, the spool and the store. What happens
 * after the call returns is measured by P10.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { MessageBusClient } from '@aico/shared/core/bus';
import { createLogging, type Logging } from '@aico/shared/core/logging';
import { SealedSpool } from '@aico/shared/security';
import { pino } from 'pino';
import { type BenchmarkOutcome, spread } from './benchmark.ts';

const ROUNDS = 125;
/** Calls in one turn of the event loop. A turn of more than 80 ms, in which lines are spooled by their callers, is not meant. */
const CALLS = 2_000;
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

  const folder = await mkdtemp(path.join(tmpdir(), 'aico-p9-'));
  const start = (logging: Logging): (() => void) => {
    const key = randomBytes(32);
    const closeSpool = logging.spoolTo(new SealedSpool({ folder, run: logging.run, key }));
    logging.attach(bus);
    logging.queue.listen(() => {
      logging.queue.take(BATCH);
      logging.queue.confirm();
    });
    return closeSpool;
  };
  const full = createLogging({ console: { stream: pino.destination({ dest: '/dev/null', sync: true }) } });
  const quiet = createLogging({ console: { enabled: false } });
  const closeSpools = [full, quiet].map(start);
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
  for (const closeSpool of closeSpools) closeSpool();
  await rm(folder, { recursive: true });
  const lost = full.stats.dropped + quiet.stats.dropped;
  assert.equal(stored + lost, 2 * ROUNDS * CALLS, 'every line is accounted for');
  const steady = (values: readonly number[]) => spread(values.slice(25));
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
