/**
 * P6: single-row writes/s through the database service, 64 in flight, each resolved after the fsync of its commit, compared with
 * the bare driver and one transaction for each row. Both sides use the same cipher, the same row and `synchronous = FULL`, in
 * interleaved rounds.
 */
import assert from 'node:assert/strict';
import { type BenchmarkOutcome, spread } from './benchmark.ts';
import { bareRatePerSecond, openBenchStore, ratePerSecond } from './store.ts';

const ROUNDS = 7;
const ROUND_MS = 700;
const TABLE = 'CREATE TABLE entry (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, text TEXT NOT NULL)';
const INSERT = 'INSERT INTO entry (at, text) VALUES (?, ?)';
const TEXT =
  'a line of a diary, not a long one, a hundred characters or so as people write them in the evening';

export async function benchmark(): Promise<BenchmarkOutcome> {
  const { service, bare, close } = await openBenchStore();
  try {
    await service.execute(TABLE);
    bare.exec(TABLE);
    const insert = bare.prepare(INSERT);
    let answered = 0;
    const write = (): Promise<unknown> => {
      answered += 1;
      return service.execute(INSERT, [answered, TEXT]);
    };
    const sides = { service: [] as number[], bare: [] as number[] };
    await ratePerSecond(300, write);
    bareRatePerSecond(300, () => insert.run(1, TEXT));
    for (let round = 0; round < ROUNDS; round += 1) {
      sides.bare.push(bareRatePerSecond(ROUND_MS, () => insert.run(round, TEXT)));
      sides.service.push(await ratePerSecond(ROUND_MS, write));
    }
    const { rows } = await service.execute<{ n: number }>('SELECT count(*) AS n FROM entry');
    assert.equal(rows[0]?.n, answered, 'every acknowledged row is stored');
    const value = spread(sides.service).median / spread(sides.bare).median;
    return {
      value,
      target: '>= 25',
      ok: value >= 25,
      sides: { unit: 'rows/s', service: spread(sides.service), bareDriver: spread(sides.bare) },
    };
  } finally {
    await close();
  }
}
