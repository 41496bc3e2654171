import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ParametersInvalidError } from '../statements/errors.ts';
import type { SqlParameters, SqlValue } from '../types.ts';
import { createTables, type WithDatabase } from './store-under-test.ts';

const VALUES: Readonly<Record<'i' | 'r' | 't' | 'b', readonly SqlValue[]>> = {
  i: [0, -1, 2 ** 31, Number.MAX_SAFE_INTEGER, 2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n), null],
  r: [1.5, -1e300, Number.MIN_VALUE, Number.MAX_VALUE, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 7],
  t: ['', "it's \u{1f9e0} end", '\\ \\n \\x41', '{"a": [1]}', 'NULL', '\u0001\ufffd\ufeff', null],
  b: [new Uint8Array([]), new Uint8Array([0, 255, 1, 92, 39]), new Uint8Array(70_000).fill(7), null],
};

const UNSTORABLE: readonly (readonly [params: unknown, message: RegExp])[] = [
  [[Number.NaN], /parameter 1 is NaN/],
  [[undefined], /parameter 1 is of type undefined/],
  [['a\0b'], /parameter 1 contains a NUL/],
  [['a\ud800'], /parameter 1 contains a lone surrogate/],
  [['\udc00a'], /parameter 1 contains a lone surrogate/],
  [[new Date()], /Date: store toISOString/],
  [[{}], /parameter 1 is of type object/],
  [[2n ** 63n], /parameter 1 does not fit/],
  ['text', /an array/],
  [[], /1 placeholder, but 0 values were given/],
  [[1, 2], /1 placeholder, but 2 values were given/],
  [{ other: 1 }, /pass an array/],
];

const int = (placeholder: string): string => `CAST(${placeholder} AS BIGINT)`;
const text = (placeholder: string): string => `CAST(${placeholder} AS TEXT)`;

const TAKEN: readonly (readonly [sql: string, params: SqlParameters, tuple: readonly SqlValue[]])[] = [
  [`SELECT ${int('?')}, ${text('?')}`, [1, 'a'], [1, 'a']],
  [`SELECT ${text('?2')}, ${int('?1')}`, [1, 'a'], ['a', 1]],
  [`SELECT ${int('?1')}, ${int('?1')}`, [7], [7, 7]],
  [`SELECT ${text('?1')}, ${text('?2')}`, { 1: 'a', 2: 'b' }, ['a', 'b']],
  [`SELECT ${int(':a')}, ${int(':b')}, ${int(':a')}`, { a: 1, b: 2 }, [1, 2, 1]],
  [`SELECT ${int(':__proto__')}`, JSON.parse('{"__proto__": 5}'), [5]],
  [`SELECT '?', ":a", ${int('?')} -- ?\n FROM (SELECT 1 AS ":a") AS x /* :b */`, [9], ['?', 1, 9]],
  ['SELECT 1', [], [1]],
  ['SELECT 1', {}, [1]],
];

const MISMATCHED: readonly (readonly [sql: string, params: SqlParameters | undefined, message: RegExp])[] = [
  ['SELECT ?1, ?2', [1], /2 placeholders, but 1 value was given/],
  ['SELECT ?1, ?2', { 1: 1 }, /no value for :2/],
  ['SELECT ?1, ?3', [1, 2, 3], /omits a number/],
  ['SELECT ?1, ?', [1, 2], /mixes kinds of placeholders/],
  ['SELECT :a, ?', { a: 1 }, /mixes kinds of placeholders/],
  ['SELECT :a', [1], /pass an object with :a/],
  ['SELECT :a, :b', undefined, /pass an object with :a, :b/],
  ['SELECT :a, :b', { a: 1 }, /no value for :b/],
  ['SELECT :a', { ':a': 1 }, /no value for :a; names are given without their prefix/],
  ['SELECT :a', { a: 1, b: 2 }, /1 value has a name without a placeholder in the statement/],
  ['SELECT ?', undefined, /1 placeholder, but 0 values were given/],
];

/** The tests of parameters and values in the acceptance suite. */
export function valueTests(withDatabase: WithDatabase): void {
  test('values are read as they were written, integers of 64 bits exactly', () =>
    withDatabase(async (db) => {
      await createTables(db, 'CREATE TABLE kept (id INTEGER PRIMARY KEY, i INTEGER, r REAL, t TEXT, b BLOB)');
      for (const [column, values] of Object.entries(VALUES))
        for (const value of values) {
          const written = await db.execute<{ id: number }>(
            `INSERT INTO kept (${column}) VALUES (?) RETURNING id`,
            [value],
          );
          const { rows } = await db.execute(`SELECT ${column} AS v FROM kept WHERE id = ?`, [
            written.fetchOne()?.id ?? 0,
          ]);
          assert.deepEqual(rows, [{ v: value }]);
        }
    }));

  test('a boolean is stored as 0 or 1, and a number as text in a column of text', () =>
    withDatabase(async (db) => {
      await createTables(db, 'CREATE TABLE kept (a BOOLEAN, b INTEGER, c TEXT)');
      await db.execute('INSERT INTO kept (a, b, c) VALUES (?, ?, ?)', [true, false, 5]);
      assert.deepEqual((await db.execute('SELECT a, b, c FROM kept WHERE a = ?', [true])).rows, [
        { a: 1, b: 0, c: '5' },
      ]);
    }));

  test('parameters are copied by the call, so that later changes have no effect', () =>
    withDatabase(async (db) => {
      await createTables(db, 'CREATE TABLE kept (a TEXT, b BLOB)');
      const bytes = Buffer.from('before');
      const params = ['before', bytes];
      const written = db.execute('INSERT INTO kept VALUES (?, ?)', params);
      params[0] = 'after!';
      bytes.write('after!');
      await written;
      const row = (await db.execute<{ a: string; b: Uint8Array }>('SELECT a, b FROM kept')).fetchOne();
      assert.deepEqual([row?.a, Buffer.from(row?.b ?? []).toString()], ['before', 'before']);
    }));

  test('values that no column can hold are refused, and the error names the parameter', () =>
    withDatabase(async (db) => {
      for (const [params, message] of UNSTORABLE)
        await assert.rejects(db.execute('SELECT ?', params as never), (error) => {
          assert.ok(error instanceof ParametersInvalidError, String(error));
          assert.match(error.message, message);
          return true;
        });
    }));

  test('placeholders take values by order, number or name, and the error explains a mismatch', () =>
    withDatabase(async (db) => {
      for (const [sql, params, tuple] of TAKEN) {
        assert.deepEqual((await db.execute(sql, params)).tuples, [tuple], sql);
        assert.deepEqual(
          await db.transaction(async (tx) => (await tx.execute(sql, params)).tuples),
          [tuple],
          sql,
        );
      }
      for (const [sql, params, message] of MISMATCHED)
        for (const run of [
          () => db.execute(sql, params),
          () => db.transaction((tx) => tx.execute(sql, params)),
          () => db.stream(sql, params)[Symbol.asyncIterator]().next(),
        ])
          await assert.rejects(run, (error) => {
            assert.ok(error instanceof ParametersInvalidError, String(error));
            assert.match(error.message, message);
            return true;
          });
    }));
}
