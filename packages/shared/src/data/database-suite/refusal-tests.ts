import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { AicoError } from '@aico/protocol';
import { ConstraintError, StatementFailedError, StatementRefusedError } from '../statements/errors.ts';
import type { SqlParameters } from '../types.ts';
import { createTables, type WithDatabase } from './store-under-test.ts';

const REFUSED: readonly string[] = [
  'BEGIN',
  'COMMIT',
  '-- note\nROLLBACK',
  'SAVEPOINT a',
  'VACUUM',
  'CREATE TEMP TABLE t (a INTEGER)',
  'SELECT 1; DELETE FROM kept',
  'SELECT 1;;SELECT 2',
  '',
  '-- nothing',
  'SELECT 1 \0',
  "SELECT '\ud800'",
  "INSERT INTO _aico_migrations VALUES ('a', 0, 'b', 'c', 'd')",
  'DELETE FROM "_aico_migrations"',
  'EXPLAIN; DROP TABLE kept',
];

/** A word and a number that occur only in statements, parameters and rows. */
const CANARY = 'zwieback';
const CANARY_NUMBER = '4815162342';
const CANARIES = new RegExp(`${CANARY}|${CANARY_NUMBER}`, 'i');

/** Each of these fails, on some engines because of its parameters. */
const FAILING: readonly (readonly [sql: string, params?: SqlParameters])[] = [
  [`SELECT ${CANARY} FROM diary`],
  [`SELECT ${CANARY}(1)`],
  [`SELECT * FROM ${CANARY}`],
  [`SELECT diary.${CANARY} FROM diary`],
  [`SELECT ${CANARY}.day FROM diary`],
  [`SELECT '${CANARY}`],
  [`SELECT "${CANARY}" FROM diary WHERE`],
  [`SELECT 1 /* ${CANARY} */ FROM nowhere`],
  [`${CANARY} everything`],
  [`SELECT * FROM diary WHERE words = ${CANARY_NUMBER} AND nothing = 1`],
  [`INSERT INTO diary (words) VALUES (${CANARY_NUMBER})`],
  ['INSERT INTO diary (words) VALUES (?)', [Number(CANARY_NUMBER)]],
  ['INSERT INTO diary (words) VALUES (?)', [CANARY]],
  ['INSERT INTO diary (day) VALUES (?), (?)', [CANARY, CANARY]],
  [`INSERT INTO diary (day) VALUES ('${CANARY}'), ('${CANARY}')`],
  ['SELECT :day', { [CANARY]: 1 }],
  ['SELECT ?, ?', [CANARY]],
  [`SELECT 1; SELECT '${CANARY}'`],
  [`SELECT CAST('${CANARY}' AS ${CANARY}(1,2,3))`],
];

/** The tests of statements that are refused or fail in the acceptance suite. */
export function refusalTests(withDatabase: WithDatabase): void {
  test('statements that would weaken the database are refused', () =>
    withDatabase(async (db) => {
      await createTables(db, 'CREATE TABLE kept (n INTEGER)');
      await db.execute('INSERT INTO kept VALUES (1)');
      for (const sql of REFUSED)
        for (const run of [() => db.execute(sql), () => db.transaction((tx) => tx.execute(sql))])
          await assert.rejects(run, (error) => {
            assert.ok(
              error instanceof StatementRefusedError || error instanceof StatementFailedError,
              `${sql}: ${String(error)}`,
            );
            return true;
          });
      assert.deepEqual((await db.execute("SELECT n, 'COMMIT; VACUUM' AS text FROM kept")).rows, [
        { n: 1, text: 'COMMIT; VACUUM' },
      ]);
    }));

  test('an error of a constraint names its kind, and only its statement is undone', () =>
    withDatabase(async (db) => {
      await createTables(
        db,
        `CREATE TABLE parent (id INTEGER PRIMARY KEY);
         CREATE TABLE kept (a INTEGER UNIQUE, b INTEGER NOT NULL, p INTEGER REFERENCES parent (id), CHECK (a > 0))`,
      );
      await db.execute('INSERT INTO kept (a, b) VALUES (1, 1)');
      const broken: readonly (readonly [sql: string, constraint: string])[] = [
        ['INSERT INTO kept (a, b) VALUES (5, 1), (1, 1)', 'unique'],
        ['INSERT INTO kept (a, b) VALUES (2, NULL)', 'notnull'],
        ['INSERT INTO kept (a, b) VALUES (-2, 1)', 'check'],
        ['INSERT INTO kept (a, b, p) VALUES (3, 1, 99)', 'foreignkey'],
      ];
      for (const [sql, constraint] of broken)
        await assert.rejects(db.execute(sql), (error) => {
          assert.ok(error instanceof ConstraintError, `${sql}: ${String(error)}`);
          assert.equal(error.constraint, constraint);
          return true;
        });
      // Writes of one group: the failing ones do not affect the others.
      const settled = await Promise.allSettled(
        Array.from({ length: 40 }, (_, n) => {
          const sql =
            n % 10 === 3
              ? 'INSERT INTO kept (a, b) VALUES (?, NULL)'
              : 'INSERT INTO kept (a, b) VALUES (?, 0)';
          return db.execute(sql, [100 + n]);
        }),
      );
      assert.deepEqual(
        settled.flatMap(({ status }, n) => (status === 'rejected' ? [n] : [])),
        [3, 13, 23, 33],
      );
      assert.deepEqual((await db.execute('SELECT count(*) AS n FROM kept')).rows, [{ n: 37 }]);
    }));

  test('an error contains no private part of the statement, its parameters or its rows', () =>
    withDatabase(async (db) => {
      await createTables(
        db,
        'CREATE TABLE diary (id INTEGER PRIMARY KEY, day TEXT UNIQUE, words INTEGER, CHECK (words < 1000))',
      );
      for (const [sql, params] of FAILING) {
        const error: unknown = await db.execute(sql, params).then(
          () => assert.fail(`${sql} did not fail`),
          (reason: unknown) => reason,
        );
        assert.ok(error instanceof AicoError, `${sql}: ${String(error)}`);
        assert.doesNotMatch(`${inspect(error, { depth: 20 })}\n${JSON.stringify(error)}`, CANARIES, sql);
      }
      await assert.rejects(db.execute(`SELECT ${CANARY} FROM diary`), (error) => {
        assert.ok(error instanceof StatementFailedError);
        assert.match(error.message, /^"SELECT … FROM diary" failed: /);
        assert.match(error.engineMessage ?? '', CANARIES);
        return true;
      });
    }));
}
