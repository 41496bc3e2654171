/**
 * P10: log lines per second from the call to the encrypted table, none lost, with a spool as in a backend, beside batched inserts
 * of the same lines with the bare driver into the same table, with the same cipher, indexes, journal and fsync at each commit. The
 * bare driver leaves out the column of the request, which the log takes from the fields and which is one more entry of an index.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { MessageBusClient } from '@aico/shared/core/bus';
import { createLogging } from '@aico/shared/core/logging';
import { EncryptedDatabase, migrationText } from '@aico/shared/data';
import { SealedSpool } from '@aico/shared/security';
import Driver from 'better-sqlite3-multiple-ciphers';
import { LogStore } from '../packages/backend/src/plugins/log-store/log-store.ts';
import { MIGRATIONS } from '../packages/backend/src/plugins/log-store/schema.ts';
import { type BenchmarkOutcome, spread } from './benchmark.ts';

const ROUNDS = 7;
const LINES = 40_000;
/** Lines logged in one turn of the event loop. */
const BURST = 1_000;
const BARE_BATCH = 1_024;
/** Rows per second that the Python version stored. */
const PYTHON_ROWS_PER_SECOND = 850;

const fields = (n: number) => ({
  request_id: 'a81bc81b-dead-4e5d-abff-90865d1e13b1',
  event_type: 'request',
  n,
});

function openBare(
  file: string,
  key: Buffer,
): { insert: (lines: number) => void; count: () => number; close: () => void } {
  const driver = new Driver(file);
  driver.pragma(`cipher = 'aegis'`);
  driver.key(Buffer.from(`raw:${key.toString('hex')}`));
  driver.pragma('journal_mode = WAL');
  driver.pragma('synchronous = FULL');
  driver.pragma('cache_size = -16000');
  for (const migration of MIGRATIONS) driver.exec(migrationText(migration, 'sqlite'));
  assert.equal(driver.pragma('cipher', { simple: true }), 'aegis');
  const statement = driver.prepare(
    'INSERT INTO logs (time, level, service, component, message, fields) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const batch = driver.transaction((from: number, to: number) => {
    for (let n = from; n < to; n += 1)
      statement.run(Date.now(), 30, 'service', 'component', 'Processing request', JSON.stringify(fields(n)));
  });
  return {
    insert: (lines) => {
      for (let n = 0; n < lines; n += BARE_BATCH) batch(n, Math.min(lines, n + BARE_BATCH));
    },
    count: () => Number(driver.prepare('SELECT count(*) FROM logs').pluck().get()),
    close: () => driver.close(),
  };
}

export async function benchmark(): Promise<BenchmarkOutcome> {
  const folder = await mkdtemp(path.join(tmpdir(), 'aico-p10-'));
  const bare = openBare(path.join(folder, 'bare.db'), randomBytes(32));
  const database = await EncryptedDatabase.open({ file: path.join(folder, 'aico.db'), key: randomBytes(32) });
  const bus = new MessageBusClient({ source: 'bench', owns: ['logging'] });
  await bus.connect();
  const logging = createLogging({ console: { enabled: false } });
  const store = new LogStore({ logging, database, logger: logging.getLogger('log_store', 'store') });
  const closeSpool = logging.spoolTo(new SealedSpool({ folder, run: logging.run, key: randomBytes(32) }));
  await store.start();
  logging.attach(bus);
  const logger = logging.getLogger('service', 'component');

  const ours = async (): Promise<void> => {
    for (let n = 0; n < LINES; n += 1) {
      logger.info('Processing request', fields(n));
      if (n % BURST === BURST - 1) await new Promise((resolve) => setImmediate(resolve));
    }
    await store.flush();
  };
  const rates = { ours: [] as number[], bare: [] as number[] };
  const measure = async (side: () => void | Promise<void>): Promise<number> => {
    const start = performance.now();
    await side();
    return LINES / ((performance.now() - start) / 1_000);
  };
  try {
    for (let round = 0; round < ROUNDS; round += 1) {
      rates.ours.push(await measure(ours));
      rates.bare.push(await measure(() => bare.insert(LINES)));
    }
    const { rows } = await database.execute<{ n: number }>('SELECT count(*) AS n FROM logs');
    const stored = Number(rows[0]?.n);
    assert.equal(bare.count(), ROUNDS * LINES);
    const lost = ROUNDS * LINES - stored;
    const steady = (values: readonly number[]) => spread(values.slice(2));
    const value = steady(rates.ours).median / steady(rates.bare).median;
    const timesPython = steady(rates.ours).median / PYTHON_ROWS_PER_SECOND;
    return {
      value,
      target: '>= 0.5, and >= 50 x 850 lines/s',
      ok: value >= 0.5 && timesPython >= 50 && lost === 0,
      sides: {
        unit: 'lines/s',
        'aico: from logger.info to the table': steady(rates.ours),
        'bare driver, 1 024 rows a transaction': steady(rates.bare),
        timesPython,
        lost,
      },
    };
  } finally {
    await store.stop();
    closeSpool();
    await bus.close();
    await database.close();
    bare.close();
    await rm(folder, { recursive: true, force: true });
  }
}
