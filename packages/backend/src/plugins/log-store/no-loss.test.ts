/** Log lines in a real database, with a spool, over kills, refusals, and stops of the bus and of the store. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { MessageBusClient } from '@aico/shared/core/bus';
import { createLogging, type Logging, type LogLevel, type QueueLimits } from '@aico/shared/core/logging';
import type { Database, QueryResult, SqlParameters } from '@aico/shared/data';
import { SealedSpool, SpooledRuns } from '@aico/shared/security';
import fc from 'fast-check';
import { openTestDatabase, type TestDatabase } from '../../../test/fixtures/refusing-database.ts';
import { LogStore } from './log-store.ts';

const KEY = randomBytes(32);

/** One process that logs. It shares the database and the folder of its spool with those before and after it. */
class Life {
  readonly logging: Logging;
  readonly #database: TestDatabase;
  readonly #folder: string;
  readonly #closeSpool: () => void;
  #store: LogStore | undefined;
  #isDead = false;
  /** Whether the next write takes effect and still fails. */
  losesAnswer = false;
  /** Is called before each write. */
  onExecute: () => void = () => undefined;

  constructor(database: TestDatabase, folder: string, queue?: QueueLimits) {
    this.#database = database;
    this.#folder = folder;
    this.logging = createLogging({ console: { enabled: false }, ...(queue && { queue }) });
    const spool = new SealedSpool({ folder, run: this.logging.run, key: Uint8Array.from(KEY) });
    this.#closeSpool = this.logging.spoolTo({
      append: (entry, share) => this.#isDead || spool.append(entry, share),
      amend: (entry) => this.#isDead || spool.amend(entry),
      release: (through) => this.#isDead || spool.release(through),
      close: () => spool.close(),
    });
  }

  async startStore(batchSize = 4_096): Promise<void> {
    const { logging } = this;
    const database: Pick<Database, 'execute' | 'migrate'> = {
      migrate: (...args) => this.#database.migrate(...args),
      execute: (sql, params) => this.#execute(sql, params),
    };
    this.#store = new LogStore({
      logging,
      database,
      logger: createLogging({ console: { enabled: false } }).getLogger('log_store', 'store'),
      spools: new SpooledRuns(this.#folder, Uint8Array.from(KEY)),
      // Short, since the timer of a life that was killed keeps this process running.
      writer: { flushMs: 5, retryMs: 5, batchSize },
    });
    await this.#store.start();
  }

  async flush(): Promise<void> {
    await this.#store?.flush().catch(() => undefined);
  }

  async stopStore(): Promise<void> {
    await this.#store?.stop();
  }

  async stop(): Promise<void> {
    await this.stopStore();
    this.#closeSpool();
  }

  /** From now on it changes nothing, as a process that was killed. */
  kill(): void {
    this.#isDead = true;
  }

  async #execute<R>(sql: string, params?: SqlParameters): Promise<QueryResult<R>> {
    if (this.#isDead) return new Promise(() => undefined);
    this.onExecute();
    const result = await this.#database.execute<R>(sql, params);
    if (this.losesAnswer && sql.startsWith('INSERT')) {
      this.losesAnswer = false;
      throw new Error('the answer was lost');
    }
    return result;
  }
}

async function withDatabase(work: (database: TestDatabase, folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'aico-no-loss-'));
  const database = await openTestDatabase();
  try {
    await work(database, folder);
  } finally {
    await database.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** The numbers of the stored lines of the service `s`, in the order in which they were stored. */
async function stored(database: TestDatabase): Promise<readonly number[]> {
  const { rows } = await database.execute<{ n: number }>(
    "SELECT fields ->> 'n' AS n FROM logs WHERE service = 's' ORDER BY id",
  );
  return rows.map(({ n }) => n);
}

test('every line of warn and above is stored once, and others once at most, in order, over kills, refusals and lost answers', async () => {
  const action = fc.oneof(
    { weight: 4, arbitrary: fc.record({ log: fc.integer({ min: 1, max: 30 }) }) },
    { weight: 3, arbitrary: fc.constant('flush' as const) },
    fc.constantFrom('kill' as const, 'stop' as const, 'refuse' as const, 'accept' as const, 'lose' as const),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 25 }), async (actions) => {
      await withDatabase(async (database, folder) => {
        const severe: number[] = [];
        let n = 0;
        const begin = async (): Promise<Life> => {
          const life = new Life(database, folder);
          life.logging.attach({ publish: async () => undefined });
          await life.startStore();
          return life;
        };
        let life = await begin();
        const log = (count: number): void => {
          const logger = life.logging.getLogger('s', 'c');
          for (let each = 0; each < count; each += 1, n += 1) {
            const level: LogLevel = n % 3 === 0 ? 'warn' : 'info';
            logger[level]('m', { n });
            if (level === 'warn') severe.push(n);
          }
        };
        for (const each of actions) {
          if (typeof each === 'object') log(each.log);
          else if (each === 'flush') await life.flush();
          else if (each === 'refuse') database.refuse(new Error('full'));
          else if (each === 'accept') database.refuse(undefined);
          else if (each === 'lose') life.losesAnswer = true;
          else {
            if (each === 'kill') life.kill();
            else await life.stop();
            life = await begin();
          }
        }
        database.refuse(undefined);
        await life.stop();
        const last = await begin();
        await last.flush();
        await last.stop();
        const found = await stored(database);
        assert.deepEqual(
          found,
          found.toSorted((a, b) => a - b),
          'in order',
        );
        assert.equal(new Set(found).size, found.length, 'none twice');
        const missing = new Set(severe).difference(new Set(found));
        assert.deepEqual([...missing], []);
        assert.deepEqual(await readdir(folder), [], 'no spool is left');
      });
    }),
    { numRuns: 10 },
  );
});

test('a flush and a stop of the store end while lines are logged without a pause, and a second store takes over in order', async () => {
  await withDatabase(async (database, folder) => {
    const life = new Life(database, folder);
    life.logging.attach({ publish: async () => undefined });
    const logger = life.logging.getLogger('s', 'c');
    let n = 0;
    // More lines than a batch has, so that the queue is never empty while there are writes.
    life.onExecute = () => {
      for (let each = 0; each < 40 && n < 20_000; each += 1, n += 1) logger.info('m', { n });
    };
    await life.startStore(32);
    for (let round = 0; round < 3; round += 1) {
      logger.warn('m', { n });
      n += 1;
      const last = n - 1;
      await life.flush();
      assert.ok((await stored(database)).includes(last), 'everything logged before the flush is stored');
      await life.stopStore();
      await life.startStore(32);
    }
    assert.ok(n < 20_000, 'lines were logged all the time');
    life.onExecute = () => undefined;
    await life.flush();
    await life.stop();
    assert.deepEqual(
      await stored(database),
      Array.from({ length: n }, (_, each) => each),
    );
  });
});

describe('a burst of 100,000 lines before the bus is up, while it is, and while the store stops and starts', () => {
  let found: readonly number[] = [];
  let gaps: readonly Readonly<Record<string, unknown>>[] = [];
  const TOTAL = 100_000;
  const isSevere = (n: number): boolean => n % 20 === 0;

  before(() =>
    withDatabase(async (database, folder) => {
      const life = new Life(database, folder, { lines: 12_000, size: 64 * 1_048_576 });
      const logger = life.logging.getLogger('s', 'c');
      let n = 0;
      const burst = (until: number): void => {
        for (; n < until; n += 1) logger[isSevere(n) ? 'error' : 'info']('m', { n });
      };
      burst(30_000);
      const bus = new MessageBusClient({ source: 'test', owns: ['logging'] });
      await bus.connect();
      life.logging.attach(bus);
      await life.startStore();
      while (n < 50_000) {
        burst(n + 1_000);
        await life.flush();
      }
      burst(65_000);
      await life.stopStore();
      burst(85_000);
      await life.startStore();
      burst(TOTAL);
      await life.flush();
      await life.flush();
      await life.stop();
      await bus.close();
      const again = new Life(database, folder);
      again.logging.attach({ publish: async () => undefined });
      await again.startStore();
      await again.flush();
      await again.stop();
      found = await stored(database);
      const { rows } = await database.execute<{ fields: string }>(
        "SELECT fields FROM logs WHERE service = 'logging'",
      );
      gaps = rows.map(({ fields }) => JSON.parse(fields) as Record<string, unknown>);
    }),
  );
  after(() => {
    found = [];
  });

  test('every line of warn and above is stored once', () => {
    const expected = Array.from({ length: TOTAL }, (_, n) => n).filter(isSevere);
    assert.deepEqual(found.filter(isSevere), expected);
  });

  test('each of the others is stored once, or counted as dropped', () => {
    assert.equal(new Set(found).size, found.length, 'none twice');
    const dropped = gaps.reduce((sum, gap) => sum + Number(gap.dropped), 0);
    assert.ok(dropped > 0, 'the bound was hit');
    assert.equal(found.length + dropped, TOTAL);
    assert.ok(gaps.every((gap) => gap.severe === 0 && Number(gap.dropped) > 0));
  });
});
