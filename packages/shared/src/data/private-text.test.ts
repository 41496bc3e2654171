import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { testStore } from '../../test/fixtures/store.ts';
import { createLogging } from '../core/logging/index.ts';
import { publicReason } from './engine/sqlite-messages.ts';
import { ConstraintError, type SqlParameters, StatementFailedError } from './index.ts';
import { Vocabulary } from './sql/vocabulary.ts';

/** Words and a number that occur only in a statement, its parameters and its values. */
const CANARY = 'zwieback';
const CANARY_NUMBER = '4815162342';
const CANARIES = new RegExp(`${CANARY}|${CANARY_NUMBER}`, 'i');

const SCHEMA = `
  CREATE TABLE diary (id INTEGER PRIMARY KEY, day TEXT UNIQUE, words INTEGER, body ANY, CHECK (words < 1000)) STRICT;
  CREATE VIRTUAL TABLE diary_text USING fts5(body);
  CREATE TRIGGER diary_guard BEFORE INSERT ON diary WHEN NEW.body = 'secret' BEGIN
    SELECT RAISE(ABORT, 'the body is not allowed');
  END;
  CREATE TRIGGER diary_quotes BEFORE INSERT ON diary WHEN NEW.day LIKE 'quote%' BEGIN
    SELECT RAISE(ABORT, 'refused: ' || NEW.day);
  END`;

/** A logger and its console. */
function loggerWithConsole() {
  const chunks: string[] = [];
  const stream = { write: (text: string) => void chunks.push(text) };
  const logger = createLogging({ level: 'trace', console: { stream } }).getLogger('test', 'db');
  return { logger, console: () => chunks.join('') };
}

async function open(t: TestContext) {
  const { logger, console } = loggerWithConsole();
  const db = await (await testStore(t)).open({ logger });
  await db.migrate('diary', [{ id: '001', sql: SCHEMA }]);
  return { db: db.ownedBy('diary'), console };
}

/** All text that a log line, a console and a reply could contain of an error. */
function everythingSaid(error: unknown): string {
  const { logger, console } = loggerWithConsole();
  logger.error('A statement failed', { error });
  return `${inspect(error, { depth: 20 })}\n${JSON.stringify(error)}\n${console()}`;
}

const LISTED: readonly (readonly [sql: string, params?: SqlParameters])[] = [
  ['SELECT * FROM diary_text WHERE diary_text MATCH ?', [`${CANARY}:`]],
  ['SELECT * FROM diary_text WHERE diary_text MATCH ?', [`"${CANARY}`]],
  ['SELECT * FROM diary_text WHERE diary_text MATCH ?', [`${CANARY} AND (`]],
  ['SELECT * FROM diary_text WHERE diary_text MATCH ?', [`NEAR(${CANARY} b, c)`]],
  ['INSERT INTO diary_text(diary_text) VALUES (?)', [CANARY]],
  ['SELECT json_extract(?, ?)', ['{}', `$.${CANARY}[`]],
  ['SELECT json_extract(?, ?)', ['{}', CANARY]],
  ['SELECT json(?)', [CANARY]],
  [`SELECT ${CANARY} FROM diary`],
  [`SELECT ${CANARY}(1)`],
  [`SELECT * FROM ${CANARY}`],
  [`SELECT '${CANARY}`],
  [`SELECT "${CANARY}`],
  [`SELECT * FROM diary WHERE "${CANARY}" = 1 AND`],
  [`SELECT 1 /* ${CANARY} */ FROM nowhere`],
  [`SELECT x'${CANARY}'`],
  [`${CANARY} everything`],
  [`PRAGMA ${CANARY}`],
  [`SELECT * FROM diary WHERE words = ${CANARY_NUMBER} AND nothing = 1`],
  [`INSERT INTO diary (words) VALUES (${CANARY_NUMBER})`],
  ['INSERT INTO diary (words) VALUES (?)', [Number(CANARY_NUMBER)]],
  ['INSERT INTO diary (words) VALUES (?)', [CANARY]],
  ['INSERT INTO diary (day) VALUES (?)', [`quote ${CANARY}`]],
  ['INSERT INTO diary (body) VALUES (?)', ['secret']],
  ['INSERT INTO diary (day) VALUES (?), (?)', [CANARY, CANARY]],
  [`INSERT INTO diary (day) VALUES ('${CANARY}'), ('${CANARY}')`],
  ['SELECT :day', { [CANARY]: 1 }],
  ['SELECT ?', { [CANARY]: CANARY }],
  ['SELECT ?, ?', [CANARY]],
  ['SELECT 1', [CANARY]],
  [`SELECT 1; SELECT '${CANARY}'`],
  [`SELECT '${CANARY}\0'`],
  ['SELECT 1 WHERE ? LIKE ? ESCAPE ?', [CANARY, CANARY, CANARY]],
];

/** Pieces of random statements, most of which SQLite refuses. */
const PIECE = fc.constantFrom(
  ...`SELECT FROM WHERE MATCH INSERT INTO VALUES ( ) , . * ' " \` [ ] -- /* */ ; = || ? ?1 :name diary diary_text body day`.split(
    ' ',
  ),
  CANARY,
  `'${CANARY}'`,
  `"${CANARY}"`,
  `${CANARY}()`,
  CANARY_NUMBER,
  `x'${CANARY}'`,
  `é${CANARY}`,
  '\n',
);
const VALUE = fc.constantFrom(
  CANARY,
  `${CANARY}:`,
  `"${CANARY}`,
  Number(CANARY_NUMBER),
  null,
  `$.${CANARY}[`,
);

describe('private text of statements and rows', () => {
  test('occurs in no message, log line or reply about a failed statement', async (t) => {
    const { db, console } = await open(t);
    let failed = 0;
    for (const [sql, params] of LISTED) {
      const error: unknown = await db.execute(sql, params).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      if (error !== undefined) failed += 1;
      assert.doesNotMatch(everythingSaid(error), CANARIES, sql);
    }
    assert.ok(failed > LISTED.length - 4, `only ${failed} of ${LISTED.length} statements failed`);
    assert.doesNotMatch(console(), CANARIES);
  });

  test('does not occur there for random statements either', async (t) => {
    const { db, console } = await open(t);
    await fc.assert(
      fc.asyncProperty(
        fc.array(PIECE, { minLength: 1, maxLength: 14 }),
        fc.array(VALUE, { maxLength: 2 }),
        async (pieces, params) => {
          for (const run of [
            () => db.execute(`SELECT ${pieces.join(' ')}`, params),
            () => db.execute(pieces.join(' '), params),
            () =>
              db.transaction((tx) =>
                tx.execute(`SELECT * FROM diary_text WHERE ${pieces.join(' ')}`, params),
              ),
            () =>
              db
                .stream(`SELECT ${pieces.join(' ')}`, params)
                [Symbol.asyncIterator]()
                .next(),
          ]) {
            const said = await run().then(
              () => '',
              (error: unknown) => everythingSaid(error),
            );
            assert.doesNotMatch(said, CANARIES, pieces.join(' '));
          }
        },
      ),
      { numRuns: 150 },
    );
    assert.doesNotMatch(console(), CANARIES);
  });

  test('is in error.engineMessage', async (t) => {
    const { db } = await open(t);
    await assert.rejects(db.execute(`SELECT ${CANARY} FROM diary`), (error) => {
      assert.ok(error instanceof StatementFailedError);
      assert.equal(error.message, '"SELECT … FROM diary" failed: no such column: …');
      assert.equal(error.engineMessage, `no such column: ${CANARY}`);
      return true;
    });
    await assert.rejects(db.execute('INSERT INTO diary (day) VALUES (?)', [`quote ${CANARY}`]), (error) => {
      assert.ok(error instanceof ConstraintError);
      assert.equal(error.engineMessage, `refused: quote ${CANARY}`);
      return true;
    });
  });

  test('is replaced without hiding the schema, the kind of failure and the placeholders', async (t) => {
    const { db } = await open(t);
    const messageOf = async (sql: string, params?: SqlParameters): Promise<string> =>
      db.execute(sql, params).then(
        () => assert.fail(sql),
        (error: Error) => error.message,
      );
    await db.execute("INSERT INTO diary (day) VALUES ('one')");
    assert.equal(
      await messageOf("INSERT INTO diary (day) VALUES ('one')"),
      'UNIQUE constraint failed: diary.day',
    );
    assert.equal(
      await messageOf('INSERT INTO diary (words) VALUES (?)', [2_000]),
      'CHECK constraint failed: words < 1000',
    );
    assert.equal(
      await messageOf('INSERT INTO diary (body) VALUES (?)', ['secret']),
      'the body is not allowed',
    );
    assert.match(
      await messageOf("SELECT day FROM diary WHERE body = 'a' AND text = :words", { words: 1 }),
      /^"SELECT day FROM diary WHERE body = '…' AND text = :words" failed: /,
    );
  });
});

test('every known message of SQLite hides the text of all its groups', () => {
  assert.equal(
    publicReason(`JSON path error near '${CANARY}'`, () => false),
    'JSON path error near …',
  );
  assert.equal(
    publicReason('disk I/O error', () => false),
    'disk I/O error',
  );
  assert.doesNotMatch(
    publicReason(`a new message about ${CANARY}`, () => false),
    CANARIES,
  );
});

test('a shape keeps keywords, the schema and placeholders', () => {
  const vocabulary = new Vocabulary();
  vocabulary.learn('CREATE TABLE note (text TEXT)');
  for (const [sql, shape] of [
    [
      "SELECT text FROM note WHERE text LIKE '%a''b%' LIMIT ?2",
      "SELECT text FROM note WHERE text LIKE '…' LIMIT ?2",
    ],
    ['select * from other where a = 5 and b = :b', 'select * from … where … = … and … = :b'],
    ["SELECT 'never ended", "SELECT '…'"],
    ['SELECT 1 -- a comment\n, text FROM note', 'SELECT …, text FROM note'],
    ['SELECT /* a comment', 'SELECT'],
  ] as const)
    assert.equal(vocabulary.shapeOf(sql), shape);
});
