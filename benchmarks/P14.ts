/**
 * P14: the time to query the newest 100 lines of a service at or above a level, among 10 million and among 100,000 lines in the
 * table of the log store; and the newest 100 lines that contain a word of one line in a million. The number of lines is an
 * optional argument: `npm run bench -- P14 1000000`.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createLogging, LEVEL_NUMBERS, type LogLevel } from '@aico/shared/core/logging';
import { EncryptedDatabase } from '@aico/shared/data';
import type { LogQuery } from '../packages/backend/src/plugins/log-store/log-query.ts';
import { LogStore } from '../packages/backend/src/plugins/log-store/log-store.ts';
import { INSERT_BATCH } from '../packages/backend/src/plugins/log-store/schema.ts';
import { type BenchmarkOutcome, spread } from './benchmark.ts';

const SMALL = 100_000;
const BATCH = 10_000;
const ROUNDS = 40;
const RARE = 1_000_000;
const SERVICES = ['gateway', 'inbox', 'message_bus', 'database', 'security', 'notes', 'streams', 'rare'];
const START = Date.UTC(2026, 0, 1);

/** Of 100 lines 10 are warnings and one is an error; one of 1,000 lines is of the service `rare`. */
function rowOf(n: number): readonly unknown[] {
  const level: LogLevel = n % 100 === 99 ? 'error' : n % 10 === 9 ? 'warn' : 'info';
  const service = n % 1_009 === 0 ? 'rare' : SERVICES[n % 7];
  const word = n % RARE === RARE / 2 ? 'heron' : `word${n % 5_000}`;
  const fields = JSON.stringify({ n, word, event_type: 'request' });
  const request = `a81bc81b-dead-4e5d-abff-${String(Math.floor(n / 4)).padStart(12, '0')}`;
  return [
    START + n,
    LEVEL_NUMBERS[level],
    service,
    'component',
    'Processing request',
    fields,
    request,
    null,
    null,
    null,
    n + 1,
  ];
}

interface Filled {
  readonly store: LogStore;
  readonly insertsPerSecond: number;
  readonly indexedPerSecond: number;
  readonly fileBytes: number;
  readonly close: () => Promise<void>;
}

async function filled(lines: number): Promise<Filled> {
  const folder = await mkdtemp(path.join(tmpdir(), 'aico-p14-'));
  const database = await EncryptedDatabase.open({ file: path.join(folder, 'aico.db'), key: randomBytes(32) });
  const logging = createLogging({ console: { enabled: false } });
  const store = new LogStore({ logging, database, logger: logging.getLogger('log_store', 'store') });
  await store.start();
  const start = performance.now();
  for (let n = 0; n < lines; n += BATCH) {
    const rows = Array.from({ length: BATCH }, (_, index) => rowOf(n + index));
    await database.execute(INSERT_BATCH, ['bench', n + BATCH, JSON.stringify(rows)]);
  }
  const insertedAt = performance.now();
  await store.index();
  const indexedAt = performance.now();
  const { bytes: fileBytes } = await database.status();
  return {
    store,
    insertsPerSecond: lines / ((insertedAt - start) / 1_000),
    indexedPerSecond: lines / ((indexedAt - insertedAt) / 1_000),
    fileBytes,
    close: async () => {
      await store.stop();
      await database.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export async function benchmark([count = '10000000']: readonly string[] = []): Promise<BenchmarkOutcome> {
  const lines = Number(count);
  const small = await filled(SMALL);
  const large = await filled(lines);
  const queries: Record<string, LogQuery> = {
    'service and level': { service: 'inbox', minLevel: 'warn' },
    'rare service and level': { service: 'rare', minLevel: 'error' },
    'service, level and an hour in the middle': {
      service: 'inbox',
      minLevel: 'warn',
      since: START + lines / 2,
      until: START + lines / 2 + 3_600_000,
    },
    request: { requestId: String(rowOf(lines / 2)[6]) },
    'rare word': { text: 'heron' },
  };
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const times = [await measure(small.store, queries), await measure(large.store, queries)] as const;
  delay.disable();
  const found = await large.store.query(queries['rare word'] ?? {});
  assert.equal(found.length, Math.min(100, Math.floor((lines + RARE / 2) / RARE)));
  await small.close();
  await large.close();
  const medianOf = (side: 0 | 1, name: string): number => spread(times[side][name] ?? []).median;
  const value = medianOf(1, 'service and level');
  const ratio = value / medianOf(0, 'service and level');
  const word = medianOf(1, 'rare word');
  const p99 = delay.percentile(99) / 1e6;
  return {
    value,
    target:
      'service and level <= 20 ms and <= 1.5 x of 100,000 lines; rare word <= 100 ms; event loop p99 < 10 ms',
    ok: value <= 20 && ratio <= 1.5 && word <= 100 && p99 < 10,
    sides: {
      unit: 'ms',
      ...Object.fromEntries(
        Object.keys(queries).flatMap((name) => [
          [`${name}: ${lines} lines`, spread(times[1][name] ?? [])],
          [`${name}: ${SMALL} lines`, spread(times[0][name] ?? [])],
        ]),
      ),
      ratio,
      eventLoopP99: p99,
      insertsPerSecond: large.insertsPerSecond,
      indexedPerSecond: large.indexedPerSecond,
      fileBytes: large.fileBytes,
    },
  };
}

async function measure(
  store: LogStore,
  queries: Readonly<Record<string, LogQuery>>,
): Promise<Record<string, number[]>> {
  const times: Record<string, number[]> = {};
  for (const [name, query] of Object.entries(queries)) {
    await store.query(query);
    const taken: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const start = performance.now();
      await store.query(query);
      taken.push(performance.now() - start);
    }
    times[name] = taken;
  }
  return times;
}
