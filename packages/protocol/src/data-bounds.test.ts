import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isDeeperThan, MAX_DATA_DEPTH, parseBoundedJson } from './data-bounds.ts';
import { problemFrom } from './problem.ts';

/** JSON with this many levels; `kinds` gives the order of objects and arrays. */
function nested(levels: number, kinds: readonly boolean[] = [true, false]): string {
  const isArray = Array.from({ length: levels }, (_, at) => kinds[at % kinds.length] ?? true);
  return `${isArray.map((array) => (array ? '[' : '{"a":')).join('')}0${isArray
    .reverse()
    .map((array) => (array ? ']' : '}'))
    .join('')}`;
}

describe('parseBoundedJson()', () => {
  test('accepts data up to the limit and refuses one level more, of objects and arrays', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 * MAX_DATA_DEPTH }),
        fc.array(fc.boolean(), { minLength: 1, maxLength: 8 }),
        (levels, kinds) => {
          const text = nested(levels, kinds);
          if (levels <= MAX_DATA_DEPTH) assert.deepEqual(parseBoundedJson(text, 'it'), JSON.parse(text));
          else assert.throws(() => parseBoundedJson(text, 'it'), { code: 'AICO_DATA_BOUNDS' });
        },
      ),
    );
  });

  test('refuses 100,000 levels without a stack overflow, with status 413', () => {
    assert.throws(
      () => parseBoundedJson(nested(100_000), 'the message'),
      (error) => {
        const { status, code, detail } = problemFrom(error);
        assert.deepEqual(
          [status, code, detail],
          [413, 'AICO_DATA_BOUNDS', `the message is nested deeper than ${MAX_DATA_DEPTH} levels`],
        );
        return true;
      },
    );
  });

  test('throws SyntaxError for invalid JSON', () => {
    assert.throws(() => parseBoundedJson('{', 'it'), SyntaxError);
  });
});

test('isDeeperThan() ends on cyclic data', () => {
  const ring: { self?: unknown } = {};
  ring.self = ring;
  assert.equal(isDeeperThan(MAX_DATA_DEPTH, ring), true);
});
