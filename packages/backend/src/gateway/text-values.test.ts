import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Type } from 'typebox';
import { Check } from 'typebox/value';
import { readText } from './text-values.ts';

describe('readText()', () => {
  for (const [type, schema, read, refused] of [
    [
      'integer',
      Type.Integer(),
      ['0', '7', '-7', '9007199254740991'],
      ['', ' 7', '07', '7.0', '7e0', '+7', '-0', '0x7', 'true', '1.5', '9007199254740992', '1e400', '٧'],
    ],
    [
      'number',
      Type.Number(),
      ['0', '-1.5', '2e3', '0.25'],
      ['', '.5', '5.', '1,5', 'NaN', 'Infinity', '1e400', '0b1', 'true', '9007199254740993'],
    ],
    ['boolean', Type.Boolean(), ['true', 'false'], ['', '1', '0', 'TRUE', 'yes', 'on', 'null']],
    ['literal', Type.Literal(7), ['7'], ['7.0', '07', 'true']],
    ['enum', Type.Enum(['a', 'b']), ['a'], ['A', '0', '']],
    ['union', Type.Union([Type.Integer(), Type.Boolean()]), ['7', 'true'], ['7.5', 'yes']],
  ] as const) {
    test(`converts the canonical spelling of each ${type}`, () => {
      for (const text of read) {
        const value = readText(schema, text);
        assert.ok(Check(schema, value), `${text} became ${String(value)}`);
        assert.equal(Number(text) === Number(value) || String(value) === text, true, text);
      }
    });
    test(`leaves an invalid ${type} to the schema to refuse`, () => {
      for (const text of refused)
        assert.equal(Check(schema, readText(schema, text)), false, JSON.stringify(text));
    });
  }

  test('never converts two texts to the same value', () => {
    const schema = Type.Object({ a: Type.Union([Type.Integer(), Type.Boolean(), Type.Literal('x')]) });
    const text = fc.oneof(
      fc.string(),
      fc.integer().map(String),
      fc.constantFrom('true', 'false', '01', '1.0', ' 1'),
    );
    fc.assert(
      fc.property(text, text, (a, b) => {
        const one = readText(schema, { a });
        const other = readText(schema, { a: b });
        if (a !== b) assert.notDeepEqual(one, other);
      }),
      { numRuns: 2_000 },
    );
  });

  test('reads a parameter that is given once as a list of one, and none of several as one value', () => {
    const list = Type.Array(Type.Integer());
    assert.deepEqual(readText(list, '7'), [7]);
    assert.deepEqual(readText(list, ['7', '8']), [7, 8]);
    assert.equal(Check(list, readText(list, ['7', 'x'])), false);
    assert.equal(Check(Type.Integer(), readText(Type.Integer(), ['7', '7'])), false);
    assert.equal(Check(Type.String(), readText(Type.String(), ['a', 'a'])), false);
  });

  test('reads through optional fields and leaves fields that no schema names', () => {
    const schema = Type.Object({ limit: Type.Optional(Type.Integer()), text: Type.String() });
    assert.deepEqual(readText(schema, { limit: '7', text: '7', other: '7' }), {
      limit: 7,
      text: '7',
      other: '7',
    });
    assert.deepEqual(readText(schema, { text: 'true' }), { text: 'true' });
  });
});
