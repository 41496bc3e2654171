/**
 * P7: point reads/s through the database service with 64 in flight, compared with a prepared statement of the bare driver, with
 * the same cipher, the same rows and random keys, in interleaved rounds. The page cache of either side holds 20,000 rows, but not
 * 400,000.
 */
import { type BenchmarkOutcome, spread } from './benchmark.ts';
import { bareRatePerSecond, openBenchStore, ratePerSecond } from './store.ts';

const ROUNDS = 7;
const ROUND_MS = 500;
const TABLE = 'CREATE TABLE note (id INTEGER PRIMARY KEY, title TEXT, body TEXT, at INTEGER)';
const FILL = `INSERT INTO note (title, body, at) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
  SELECT 'title ' || i, hex(zeroblob(75)), i * 1000 FROM n`;
const READ = 'SELECT id, title, body, at FROM note WHERE id = ?';

async function measure(rows: number) {
  const { service, bare, close } = await openBenchStore();
  try {
    await service.execute(TABLE);
    await service.execute(FILL, [rows]);
    bare.exec(TABLE);
    bare.prepare(FILL).run(rows);
    const read = bare.prepare(READ);
    const anyId = (): number => 1 + Math.floor(Math.random() * rows);
    const check = (found: unknown, id: number): void => {
      if (typeof found !== 'object' || found === null || !('id' in found) || found.id !== id)
        throw new Error(`row ${id} was read incorrectly`);
    };
    const bareRead = (): void => {
      const id = anyId();
      check(read.get(id), id);
    };
    const serviceRead = async (): Promise<void> => {
      const id = anyId();
      check((await service.execute(READ, [id])).rows[0], id);
    };
    const sides = { service: [] as number[], bare: [] as number[] };
    bareRatePerSecond(300, bareRead);
    await ratePerSecond(300, serviceRead);
    for (let round = 0; round < ROUNDS; round += 1) {
      sides.bare.push(bareRatePerSecond(ROUND_MS, bareRead));
      sides.service.push(await ratePerSecond(ROUND_MS, serviceRead));
    }
    const ratio = spread(sides.service).median / spread(sides.bare).median;
    return { rows, ratio, service: spread(sides.service), bareDriver: spread(sides.bare) };
  } finally {
    await close();
  }
}

export async function benchmark(): Promise<BenchmarkOutcome> {
  const warm = await measure(20_000);
  const cold = await measure(400_000);
  const value = Math.min(warm.ratio, cold.ratio);
  return {
    value,
    target: '>= 0.7',
    ok: value >= 0.7,
    sides: { unit: 'reads/s', inPageCache: warm, beyondPageCache: cold },
  };
}
