import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { record, type Setup, withStore } from '../../../../test/fixtures/log-store.ts';
import type { TestDatabase } from '../../../../test/fixtures/refusing-database.ts';
import { LogStore } from '../log-store.ts';
import { readLogArchive } from './log-archive.ts';
import { LogArchiver } from './log-archiver.ts';

const recorded: unknown[] = [];
const KEY = new Uint8Array(32).fill(5);

async function folderOf(context: TestContext): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'aico-archive-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

function archiverOf(
  { logging, logger }: Setup,
  database: Pick<TestDatabase, 'execute' | 'migrate'>,
): LogArchiver {
  const store = new LogStore({ logging, database, logger });
  const audit = { record: async (event: unknown) => void recorded.push(event) };
  return new LogArchiver({ store, database, logger, key: () => KEY.slice(), audit });
}

async function linesOf(file: string): Promise<readonly number[]> {
  const pages = await Array.fromAsync(readLogArchive(file, KEY));
  return pages.flat().map(({ id }) => id);
}

test('an archive has the selected lines as they were stored, and the table keeps them', (context) =>
  withStore(async (setup) => {
    const { log, store, database } = setup;
    const file = path.join(await folderOf(context), 'a.aicolog');
    for (let n = 0; n < 2_300; n += 1)
      log(record({ time: n, service: n % 2 === 0 ? 'even' : 'odd', message: `line ${n} \u001b[2J\u202e` }));
    const selection = { service: 'even', until: 2_000 };
    const archived = await archiverOf(setup, database).archive({ file, selection });
    assert.deepEqual(archived, { file, lines: 1_000, removed: 0 });
    const details = { file, filter: { ...selection, before: 2_301 }, removed: false };
    assert.deepEqual(recorded.at(-1), { action: 'log.archived', details });
    const found = (await Array.fromAsync(readLogArchive(file, KEY))).flat();
    assert.deepEqual(found, await store.query({ ...selection, first: 'oldest', limit: 1_000 }));
    assert.equal((await readFile(file)).includes('line 2'), false);
  }));

test('lines that are removed are exactly those of the file, also while others are logged', (context) =>
  withStore(async (setup) => {
    const { log, store, database } = setup;
    const file = path.join(await folderOf(context), 'a.aicolog');
    for (let n = 0; n < 2_500; n += 1) log(record({ time: n }));
    const late = {
      execute: async (...args: Parameters<TestDatabase['execute']>) => {
        log(record({ time: 1, message: 'late' }));
        return database.execute(...args);
      },
      migrate: database.migrate.bind(database),
    } as Pick<TestDatabase, 'execute' | 'migrate'>;
    const archived = await archiverOf(setup, late).archive({
      file,
      selection: { until: 5_000 },
      remove: true,
    });
    assert.equal(archived.removed, archived.lines);
    const kept = await store.query({ first: 'oldest', limit: 1_000 });
    assert.deepEqual(
      [...(await linesOf(file)), ...kept.map(({ id }) => id)],
      Array.from({ length: archived.lines + kept.length }, (_, n) => n + 1),
    );
    assert.ok(kept.every(({ message }) => message === 'late'));
  }));

test('a file that exists is never replaced, and nothing is removed', (context) =>
  withStore(async (setup) => {
    const { log, store, database } = setup;
    const file = path.join(await folderOf(context), 'mine.txt');
    await writeFile(file, 'mine');
    log(record());
    const archiver = archiverOf(setup, database);
    await assert.rejects(archiver.archive({ file, selection: { until: 5 }, remove: true }), {
      errno: 'EEXIST',
    });
    await archiver.finish();
    assert.equal(await readFile(file, 'utf8'), 'mine');
    assert.equal((await store.query({})).length, 1);
  }));

test('a process that ends at any moment leaves each line in the table or in the file, once', (context) =>
  withStore(async (setup) => {
    const { log, store, database } = setup;
    const folder = await folderOf(context);
    const messages = Array.from({ length: 1_100 }, (_, n) => String(n).padStart(4, '0'));
    let isComplete = false;
    let outcomes = 0;
    for (let death = 0; !isComplete; death += 1) {
      const file = path.join(folder, `${death}.aicolog`);
      for (const message of messages) log(record({ message }));
      await store.flush();
      let calls = 0;
      // Dies before a statement, or after it and before its answer. A dead process sends no more.
      const mortal: Pick<TestDatabase, 'execute' | 'migrate'> = {
        migrate: database.migrate.bind(database),
        execute: async <R>(...args: Parameters<TestDatabase['execute']>) => {
          calls += 1;
          if (calls > death / 2 + 1) throw new Error('dead');
          const answer = await database.execute<R>(...args);
          if (calls > death / 2) throw new Error('dead');
          return answer;
        },
      };
      const archived = archiverOf(setup, mortal).archive({ file, selection: { until: 5 }, remove: true });
      isComplete = await archived.then(
        () => true,
        () => false,
      );
      const { rows: intents } = await database.execute('SELECT * FROM logs_archive');
      const hasFile = (await readdir(folder)).includes(path.basename(file));
      // A process that is killed while it writes leaves its draft.
      if (intents.length > 0 && !hasFile) await writeFile(`${file}.0123456789ab.tmp`, 'draft');
      await archiverOf(setup, database).finish();
      const kept = (await Array.fromAsync(store.pages({ until: 5 }))).flat();
      const written = hasFile ? (await Array.fromAsync(readLogArchive(file, KEY))).flat() : [];
      assert.deepEqual(
        [...written, ...kept].map(({ message }) => message).sort(),
        messages,
        `died at ${death}`,
      );
      assert.ok(kept.length === 0 || written.length === 0);
      if (hasFile) outcomes += 1;
      const left = await database.execute('SELECT * FROM logs_archive');
      assert.deepEqual(left.rows, []);
      assert.deepEqual(
        (await readdir(folder)).filter((name) => name.endsWith('.tmp')),
        [],
      );
      await store.delete({ until: 5 });
    }
    assert.ok(outcomes > 3, 'some processes die between the file and the end of the removal');
  }));

test('an archive with a flipped bit, or cut, gives authentic lines and then an error', (context) =>
  withStore(async (setup) => {
    const { log, database } = setup;
    const file = path.join(await folderOf(context), 'a.aicolog');
    for (let n = 0; n < 5_000; n += 1)
      log(record({ time: n, message: `line ${n} ${Math.sin(n)} `.repeat(5) }));
    await archiverOf(setup, database).archive({ file, selection: {} });
    const sealed = await readFile(file);
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.boolean(), async (at, isCut) => {
        const altered = Buffer.from(sealed.subarray(0, isCut ? at % sealed.byteLength : sealed.byteLength));
        const bit = at % (sealed.byteLength * 8);
        if (!isCut) altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        await writeFile(file, altered);
        const seen: number[] = [];
        await assert.rejects(
          async () => {
            for await (const page of readLogArchive(file, KEY)) seen.push(...page.map(({ id }) => id));
          },
          { code: 'AICO_SEALED_FILE_REFUSED' },
        );
        assert.deepEqual(
          seen,
          seen.map((_, n) => n + 1),
        );
      }),
      { numRuns: 60 },
    );
  }));
