import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type ContentType, contentTypeOf, decodeBody, encodeBody, isContentType } from './codec.ts';

function travelled(payload: unknown, contentType: ContentType): unknown {
  const body = encodeBody('t', payload, contentType);
  return decodeBody('t', typeof body === 'string' ? Buffer.from(body) : body, contentType);
}

describe('a body', () => {
  for (const contentType of ['application/json', 'application/msgpack'] as const)
    test(`of ${contentType} decodes to the encoded data`, () => {
      fc.assert(
        fc.property(fc.jsonValue(), (value) => {
          if (contentType === 'application/msgpack' && JSON.stringify(value).includes('"__proto__":')) {
            assert.throws(() => encodeBody('t', value, contentType), { code: 'AICO_BUS_PAYLOAD' });
            return;
          }
          assert.equal(JSON.stringify(travelled(value, contentType)), JSON.stringify(value));
        }),
      );
      assert.equal(travelled(undefined, contentType), undefined);
      assert.deepEqual(travelled({ a: 1, left: undefined }, 'application/json'), { a: 1 });
    });

  test('of MessagePack omits properties that are undefined, and preserves every valid date', () => {
    for (const ms of [0, -1, 1.7e12, 8.64e15, -8.64e15]) {
      const value = { at: new Date(ms), left: undefined };
      assert.deepEqual(travelled(value, 'application/msgpack'), { at: new Date(ms) });
    }
  });

  test('of MessagePack refuses values that a decoder would refuse or change', () => {
    const half = '\ud800';
    for (const value of [half, half + 'x'.repeat(300), { [half]: 1 }, [half], new Date(Number.NaN)])
      assert.throws(() => encodeBody('t', value, 'application/msgpack'), { code: 'AICO_BUS_PAYLOAD' });
    assert.equal(travelled(half, 'application/json'), half);
  });

  test('is refused with a code if the payload changes while it is encoded', () => {
    let asked = 0;
    const turning = {
      get it() {
        asked += 1;
        return asked > 2 ? 1n : 1;
      },
    };
    assert.throws(() => encodeBody('t', turning, 'application/json'), { code: 'AICO_BUS_PAYLOAD' });
    const silent = Object.defineProperty({}, 'toJSON', { value: () => undefined });
    assert.throws(() => encodeBody('t', silent, 'application/json'), { code: 'AICO_BUS_PAYLOAD' });
  });

  test('of bytes is those bytes, and decoding copies them', () => {
    const bytes = Uint8Array.of(1, 2, 3);
    const read = decodeBody('t', bytes, contentTypeOf(bytes));
    bytes.fill(0);
    assert.deepEqual(read, Uint8Array.of(1, 2, 3));
    const frame = encodeBody('t', { bytes: Uint8Array.of(7) }, 'application/msgpack');
    assert.ok(frame instanceof Uint8Array);
    const within = decodeBody('t', frame, 'application/msgpack');
    frame.fill(0);
    assert.deepEqual(within, { bytes: Uint8Array.of(7) });
  });

  for (const [name, value, path] of [
    ['a date', { at: new Date() }, '/at'],
    ['a map', [1, new Map()], '/1'],
    ['not a number', { deep: { n: Number.NaN } }, '/deep/n'],
    ['a bigint', 1n, ''],
    ['a function', { f: () => 1 }, '/f'],
    ['a hole', [undefined], '/0'],
    ['bytes within', { bytes: Uint8Array.of(1) }, '/bytes'],
  ] as const)
    test(`of JSON refuses ${name}, with its location`, () => {
      assert.throws(
        () => encodeBody('t', value, 'application/json'),
        (error) => {
          assert.ok(
            error instanceof Error && 'code' in error && 'issues' in error && Array.isArray(error.issues),
          );
          assert.deepEqual([error.code, error.issues[0]?.path], ['AICO_BUS_PAYLOAD', path]);
          return true;
        },
      );
    });

  test('that does not match its content type is refused, for arbitrary bytes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 64 }),
        fc.constantFrom('application/json', 'application/msgpack'),
        (bytes, type) => {
          try {
            decodeBody('t', bytes, type);
          } catch (error) {
            assert.ok(error instanceof Error && 'code' in error);
            assert.equal(error.code, 'AICO_BUS_PAYLOAD');
          }
        },
      ),
    );
    assert.throws(() => decodeBody('t', Buffer.from('{'), 'application/json'), { code: 'AICO_BUS_PAYLOAD' });
  });

  test('of a circular payload is refused', () => {
    const ring: { self?: unknown } = {};
    ring.self = ring;
    assert.throws(() => encodeBody('t', ring, 'application/json'), { code: 'AICO_DATA_BOUNDS' });
  });

  test('nested too deeply by a peer is refused in either format', () => {
    let deep: unknown = 0;
    for (let level = 0; level < 65; level += 1) deep = [deep];
    const json = Buffer.from(JSON.stringify(deep));
    assert.throws(() => decodeBody('t', json, 'application/json'), { code: 'AICO_DATA_BOUNDS' });
    // 0x91: an array of one element.
    const packed = Uint8Array.from([...new Array(65).fill(0x91), 0]);
    assert.throws(() => decodeBody('t', packed, 'application/msgpack'), { code: 'AICO_DATA_BOUNDS' });
    assert.deepEqual(
      decodeBody('t', packed.subarray(1), 'application/msgpack'),
      travelled(JSON.parse(json.subarray(1, -1).toString()), 'application/json'),
    );
  });

  test('of an unknown content type is decoded as bytes', () => {
    assert.equal(isContentType('image/png'), false);
    assert.deepEqual(decodeBody('t', Buffer.from('png'), 'image/png'), Uint8Array.from(Buffer.from('png')));
  });
});
