import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { accessFor } from './live-subscriptions.ts';
import { idOf, parseSaid } from './socket-protocol.ts';

test('a message on a WebSocket that is nested too deeply is refused with the usual code', () => {
  const said = (data: string): string => `{"op":"publish","id":1,"topic":"a.b","data":${data}}`;
  assert.throws(() => parseSaid(said(`${'['.repeat(2_500)}${']'.repeat(2_500)}`)), {
    code: 'AICO_DATA_BOUNDS',
  });
  assert.throws(() => parseSaid('{"op":'), { code: 'AICO_EVENTS_MESSAGE' });
  assert.throws(
    () => parseSaid('{"op":"dance","id":3}'),
    /: "op" must be one of "subscribe", "unsubscribe", "publish"$/,
  );
  assert.throws(() => parseSaid('null'), /: "op" must be one of /);
  assert.throws(
    () => parseSaid('{"op":"publish","id":3,"topic":"a.b"}'),
    /: must have required properties data$/,
  );
  assert.deepEqual(parseSaid(said('[[1]]')), { op: 'publish', id: 1, topic: 'a.b', data: [[1]] });
});

test('a refusal has the id of its message if that is readable', () => {
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  for (const [text, id] of [
    ['{"op":"subscribe","id":7}', 7],
    ['{"id":"a","op":"dance"}', 'a'],
    ['{"op":"subscribe","id":8,"topic":"a","more":1}', 8],
    [`{"op":"publish","id":9,"topic":"a.b","data":${deep}}`, 9],
    ['{"op":"subscribe","id":1.5,"topic":"a"}', null],
    ['{"op":"subscribe","id":{"a":1},"topic":"a"}', null],
    ['{"op":"subscribe","id":', null],
    ['[1]', null],
    ['null', null],
  ] as const) {
    assert.throws(() => parseSaid(text));
    assert.equal(idOf(text), id, text.slice(0, 60));
  }
});

test('no right for one owner covers an owner of another name', () => {
  const room = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,6}$/);
  const spelt = fc.tuple(room, fc.boolean()).map(([name, upper]) => (upper ? name.toUpperCase() : name));
  fc.assert(
    fc.property(spelt, spelt, (one, other) => {
      const [first, second] = [accessFor(`${one}.x`), accessFor(`${other}.x`)];
      if (first === second) assert.ok(one === other || first === 'bus:subscribe');
    }),
  );
  assert.notEqual(accessFor('INBOX.x'), accessFor('inbox.x'));
});
