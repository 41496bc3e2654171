/** The spool of log lines: the lines of `createLogging` in files of `SealedSpool`. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { mock, type TestContext, test } from 'node:test';
import {
  createLogging,
  type JournalEntry,
  type LineJournal,
  type LogFields,
  linesOfRun,
  type StoredLine,
} from '../src/core/logging/index.ts';
import { SealedSpool, type SealedSpoolOptions, SpooledRuns } from '../src/security/index.ts';

const KEY = randomBytes(32);
const QUIET = { console: { enabled: false } };

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'aico-log-spool-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function spooled(folder: string, options: Partial<SealedSpoolOptions> = {}) {
  const logging = createLogging(QUIET);
  const close = logging.spoolTo(
    new SealedSpool({ folder, key: Uint8Array.from(KEY), run: logging.run, ...options }),
  );
  return { logging, logger: logging.getLogger('s', 'c'), close };
}

interface FoundLine {
  readonly time: number;
  readonly isSevere: boolean;
  readonly service: string;
  readonly component: string;
  readonly message: string;
  readonly fields: LogFields;
}

/** The lines that a later process finds. */
function left(folder: string, after = 0): readonly FoundLine[] {
  const spools = new SpooledRuns(folder, Uint8Array.from(KEY));
  const lines = spools.runs('').flatMap((run) => [...linesOfRun(run.entries(), after)]);
  spools.close();
  return lines.map(lineOf);
}

function lineOf({ text }: StoredLine): FoundLine {
  const row = JSON.parse(text) as [number, number, string, string, string, string];
  const [time, level, service, component, message, fields] = row;
  return {
    time,
    isSevere: level >= 40,
    service,
    component,
    message,
    fields: JSON.parse(fields) as LogFields,
  };
}

function tickTwice(): void {
  mock.timers.tick(40);
  mock.timers.tick(40);
}

const messages = (records: readonly FoundLine[]): readonly string[] => records.map(({ message }) => message);

test('a line of warn and above is in the file when the call that logs it returns; a lower one within 80 ms', (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => mock.timers.reset());
  const folder = folderOf(t);
  const { logger, close } = spooled(folder);
  logger.info('milder');
  logger.warn('warn', { password: 'canary-in-a-field' });
  assert.deepEqual(messages(left(folder)), ['warn']);
  tickTwice();
  logger.error('error');
  assert.deepEqual(
    messages(left(folder)),
    ['milder', 'warn', 'error'],
    'in the order in which they were logged',
  );
  close();
  for (const file of readdirSync(folder))
    for (const text of ['warn', 'milder', 'canary'])
      assert.equal(readFileSync(path.join(folder, file)).includes(text), false, 'nothing of it is readable');
});

test('lines that are stored in time are not written twice, and an idle log has no timer', (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => mock.timers.reset());
  const folder = folderOf(t);
  const { logging, logger, close } = spooled(folder);
  for (let round = 0; round < 10; round += 1) {
    logger.info('stored at once');
    logging.queue.release(1);
    logging.queue.take({ lines: 10, size: 1_000 });
    logging.queue.confirm();
    mock.timers.tick(40);
  }
  assert.deepEqual(readdirSync(folder), []);
  close();
});

test('a line that is being stored, or could not be, is spooled as well', (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => mock.timers.reset());
  const folder = folderOf(t);
  const { logging, logger } = spooled(folder);
  logger.info('in flight');
  logging.queue.release(1);
  const taken = logging.queue.take({ lines: 10, size: 1_000 });
  tickTwice();
  assert.deepEqual(messages(left(folder)), ['in flight']);
  logging.queue.putBack(taken);
  logger.info('second');
  tickTwice();
  assert.deepEqual(messages(left(folder)), ['in flight', 'second']);
});

test('lines are spooled while the event loop is blocked, by those that are logged meanwhile', (t) => {
  const folder = folderOf(t);
  const { logging } = spooled(folder);
  for (let time = 0; time < 1_000; time += 1)
    logging.adopt({ time, level: 'info', service: 's', component: 'c', message: `${time}`, fields: {} });
  const found = messages(left(folder));
  assert.ok(found.length >= 900, `${found.length} lines`);
  assert.deepEqual(
    found,
    Array.from({ length: found.length }, (_, n) => `${n}`),
  );
});

test('a line that a check left for the next one is spooled by the first line after a pause of the process', (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => mock.timers.reset());
  const folder = folderOf(t);
  const { logging } = spooled(folder);
  const log = (time: number) =>
    logging.adopt({ time, level: 'info', service: 's', component: 'c', message: `${time}`, fields: {} });
  log(0);
  mock.timers.tick(40);
  assert.deepEqual(messages(left(folder)), []);
  // The process is not scheduled for 200 ms, and logs before its timers are called.
  log(240);
  assert.deepEqual(messages(left(folder)), ['0', '240']);
});

test('lines that waited before there was a spool, and those of its end, are in it', (t) => {
  const folder = folderOf(t);
  const logging = createLogging(QUIET);
  const logger = logging.getLogger('s', 'c');
  logger.info('before');
  const spool = (): (() => void) =>
    logging.spoolTo(new SealedSpool({ folder, key: Uint8Array.from(KEY), run: logging.run }));
  const close = spool();
  assert.deepEqual(messages(left(folder)), ['before']);
  logger.info('last');
  close();
  logger.warn('between');
  const closeAgain = spool();
  logger.error('again');
  closeAgain();
  assert.deepEqual(messages(left(folder)), ['before', 'last', 'between', 'again'], 'each once');
});

test('a full spool keeps lines of warn and above for longer, and one record counts exactly what it did not take', (t) => {
  const folder = folderOf(t);
  const maxBytes = 400_000;
  const { logging, close } = spooled(folder, { maxBytes });
  const logged: number[] = [];
  const log = (level: 'info' | 'error', time: number): void => {
    logged.push(time);
    const fields = { pad: 'x'.repeat(400) };
    logging.adopt({ time, level, service: 's', component: 'c', message: 'm', fields });
  };
  for (let n = 0; n < 3_000; n += 1) log(n % 30 === 0 ? 'error' : 'info', n * 10);
  close();
  const found = left(folder);
  const kept = found.filter(({ service }) => service === 's');
  const gaps = found.filter(({ service }) => service === 'logging').map(({ fields }) => fields);
  const sum = (name: string): number => gaps.reduce((total, gap) => total + Number(gap[name]), 0);
  assert.equal(kept.length + sum('dropped'), logged.length, 'each line is kept or counted');
  const keptSevere = kept.filter(({ isSevere }) => isSevere).length;
  assert.equal(keptSevere + sum('severe'), 100);
  assert.equal(keptSevere, 100, 'there was room for them');
  assert.equal(new Set(kept.map(({ time }) => time)).size, kept.length, 'none twice');
  for (const { from, to } of gaps) assert.ok(Date.parse(String(from)) <= Date.parse(String(to)));
  const bytes = readdirSync(folder).reduce(
    (total, file) => total + statSync(path.join(folder, file)).size,
    0,
  );
  assert.ok(bytes < maxBytes + 10_000, `${bytes} bytes`);
});

test('when lines of warn and above fill it too, they are counted, in one record', (t) => {
  const folder = folderOf(t);
  const { logger, close } = spooled(folder, { maxBytes: 20_000 });
  for (let n = 0; n < 500; n += 1) logger.warn('m', { pad: 'x'.repeat(100) });
  close();
  const found = left(folder);
  const kept = found.filter(({ service }) => service === 's').length;
  assert.ok(kept > 20);
  const [gap, ...more] = found.filter(({ service }) => service === 'logging');
  assert.deepEqual([gap?.fields.dropped, gap?.fields.severe], [500 - kept, 500 - kept]);
  assert.deepEqual(more, []);
});

test('a disk that takes nothing fails no line, is reported once, and is used again when it works', () => {
  let isFull = true;
  const entries: JournalEntry[] = [];
  const journal: LineJournal = {
    append(entry) {
      if (isFull) throw new Error('ENOSPC');
      entries.push(entry);
      return true;
    },
    amend: () => assert.fail('there is room'),
    release: () => undefined,
    close: () => undefined,
  };
  const logging = createLogging(QUIET);
  const close = logging.spoolTo(journal);
  const logger = logging.getLogger('s', 'c');
  for (let n = 0; n < 5; n += 1) logger.error(`${n}`);
  isFull = false;
  logger.error('after');
  close();
  entries.sort((a, b) => a.first - b.first);
  const found = [
    ...linesOfRun(
      entries.map(({ text, last }) => ({ text, next: last + 1 })),
      0,
    ),
  ].map(lineOf);
  assert.deepEqual(messages(found.filter(({ service }) => service === 's')), [
    '0',
    '1',
    '2',
    '3',
    '4',
    'after',
  ]);
  assert.deepEqual(
    found.filter(({ service }) => service === 'logging').map(({ component }) => component),
    ['spool'],
  );
});
