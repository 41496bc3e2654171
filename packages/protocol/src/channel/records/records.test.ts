import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createServer, openChannel, received } from '../../../test/fixtures/channel.ts';
import {
  ChannelClosedError,
  ChannelRecordError,
  ChannelRefusedError,
  ChannelTruncatedError,
} from '../errors.ts';
import { nobleSuite } from '../suites/noble-suite.ts';
import { sodiumSuite as suite } from '../suites/sodium-suite.ts';
import { FrameReader } from './frame-reader.ts';
import { MAX_CONTENT, MAX_PLAINTEXT, paddedLength, RENEW_AFTER_RECORDS } from './record.ts';

const server = createServer(suite);
const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, index) => index * 7);

test('any split of the stream into chunks yields the same plaintext', () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 3_000 }), { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 20 }),
      (writes, cuts) => {
        const channel = openChannel(suite, server);
        const stream = Buffer.concat([
          ...writes.map((each) => channel.client.seal(each)),
          channel.client.end(),
        ]);
        const out: Uint8Array[] = [];
        for (let at = 0, cut = 0; at < stream.byteLength; cut += 1) {
          const size = cuts[cut % cuts.length] ?? 1;
          channel.server.push(new Uint8Array(stream.subarray(at, at + size)), (each) =>
            out.push(each.slice()),
          );
          at += size;
        }
        channel.server.finish();
        assert.deepEqual(Buffer.concat(out), Buffer.concat(writes));
      },
    ),
    { numRuns: 60 },
  );
});

test('any single flipped bit ends the channel, and nothing is delivered from there on', () => {
  fc.assert(
    fc.property(
      fc.nat(),
      fc.integer({ min: 0, max: 7 }),
      fc.integer({ min: 1, max: 700 }),
      (where, bit, cut) => {
        const channel = openChannel(suite, server);
        const writes = [bytes(10), bytes(500), bytes(1500)];
        const records = writes.map((each) => channel.client.seal(each));
        const stream = Buffer.concat([...records, channel.client.end()]);
        const at = where % stream.byteLength;
        stream[at] = (stream[at] ?? 0) ^ (1 << bit);
        let intact = 0;
        for (let end = 0; intact < 3; intact += 1) {
          end += records[intact]?.byteLength ?? 0;
          if (at < end) break;
        }
        const out: Uint8Array[] = [];
        assert.throws(() => {
          for (let from = 0; from < stream.byteLength; from += cut)
            channel.server.push(new Uint8Array(stream.subarray(from, from + cut)), (each) =>
              out.push(each.slice()),
            );
          channel.server.finish();
        });
        assert.deepEqual(Buffer.concat(out), Buffer.concat(writes.slice(0, intact)));
        assert.equal(channel.server.state.kind, 'failed');
        assert.throws(
          () => channel.server.push(bytes(1), () => assert.fail('delivered')),
          ChannelClosedError,
        );
        assert.throws(() => channel.server.seal(bytes(1)), ChannelClosedError);
      },
    ),
    { numRuns: 150 },
  );
});

test('replayed, reordered, omitted, reflected and foreign records are refused', () => {
  const scenarios: readonly ((first: Uint8Array, second: Uint8Array) => readonly Uint8Array[])[] = [
    (first) => [first, first],
    (first, second) => [second, first],
    (_first, second) => [second],
  ];
  for (const scenario of scenarios) {
    const channel = openChannel(suite, server);
    const sent = scenario(channel.client.seal(bytes(5)), channel.client.seal(bytes(6)));
    assert.throws(() => received(channel.server, Buffer.concat(sent)), ChannelRecordError);
  }
  const mine = openChannel(suite, server);
  assert.throws(
    () => received(mine.client, mine.client.seal(bytes(5))),
    ChannelRecordError,
    'its own record',
  );
  const other = openChannel(suite, server);
  assert.throws(() => received(other.server, mine.client.seal(bytes(5))), ChannelClosedError);
});

test('a record of another session is refused', () => {
  const record = openChannel(suite, server).client.seal(bytes(5));
  const other = openChannel(suite, server);
  assert.throws(() => received(other.server, record), ChannelRecordError);
});

test('a stream cut before its end is an error, and one cut after it is not', () => {
  const cut = openChannel(suite, server);
  received(cut.server, cut.client.seal(bytes(100)));
  assert.throws(() => cut.server.finish(), ChannelTruncatedError);
  const whole = openChannel(suite, server);
  received(whole.server, Buffer.concat([whole.client.seal(bytes(100)), whole.client.end()]));
  whole.server.finish();
  assert.throws(() => whole.client.seal(bytes(1)), ChannelClosedError);
  assert.equal(whole.server.state.kind, 'open', 'this side may continue');
  received(whole.client, Buffer.concat([whole.server.seal(bytes(9)), whole.server.end()]));
  assert.deepEqual([whole.client.state.kind, whole.server.state.kind], ['closed', 'closed']);
});

test('a side that has closed gets no error when the connection ends', () => {
  const channel = openChannel(suite, server);
  channel.server.close();
  channel.server.finish();
  assert.equal(channel.server.state.kind, 'closed');
  assert.throws(() => received(channel.server, channel.client.seal(bytes(5))), ChannelClosedError);
});

test('an error thrown by the receiver of the content ends the channel and is rethrown', () => {
  const channel = openChannel(suite, server);
  const failure = new Error('the parser gave up');
  const deliver = (): void =>
    channel.server.push(channel.client.seal(bytes(5)), () => {
      throw failure;
    });
  assert.throws(deliver, failure);
  assert.deepEqual(channel.server.state, { kind: 'failed', error: failure });
});

test('data after the end record is refused', () => {
  const channel = openChannel(suite, server);
  const end = channel.client.end();
  assert.throws(() => received(channel.server, Uint8Array.of(...end, 0)), ChannelRecordError);
  const later = openChannel(suite, server);
  received(later.server, later.client.end());
  assert.throws(() => received(later.server, Uint8Array.of(0)), ChannelRecordError);
});

test('the refusal is recognised by the other side', () => {
  const channel = openChannel(suite, server);
  assert.deepEqual(channel.server.refusal, server.responder.refusal);
  assert.throws(() => received(channel.client, channel.server.refusal), ChannelRefusedError);
});

test('a session closed in onData opens no more records of the chunk', () => {
  const channel = openChannel(suite, server);
  const two = Buffer.concat([channel.client.seal(bytes(5)), channel.client.seal(bytes(6))]);
  let delivered = 0;
  channel.server.push(new Uint8Array(two), () => {
    delivered += 1;
    channel.server.close();
  });
  assert.equal(delivered, 1);
});

test('keys are renewed by count on both sides and on demand, and the counter continues', () => {
  const channel = openChannel(suite, server);
  for (let record = 0; record < RENEW_AFTER_RECORDS + 3; record += 1)
    channel.server.push(channel.client.seal(bytes(1)), () => undefined);
  received(channel.server, channel.client.renew());
  received(channel.server, channel.client.idle());
  assert.deepEqual(received(channel.server, channel.client.seal(bytes(20))), bytes(20));
});

test('after a renewal, neither key opens the records of the other', () => {
  const [one, other] = [openChannel(suite, server), openChannel(suite, server)];
  const renewal = one.client.renew();
  const after = one.client.seal(bytes(3));
  received(one.server, renewal);
  assert.deepEqual(received(one.server, after), bytes(3));
  other.client.renew();
  assert.throws(() => received(other.server, other.client.seal(bytes(3))), ChannelRecordError);
});

test('large and gathered writes arrive completely, with both suites', () => {
  for (const each of [suite, nobleSuite]) {
    const channel = openChannel(each);
    for (const length of [0, 1, 61, 62, MAX_CONTENT - 1, MAX_CONTENT, MAX_CONTENT + 1, 200_000]) {
      const content = bytes(length);
      const parts = [content.subarray(0, length >> 1), new Uint8Array(0), content.subarray(length >> 1)];
      assert.deepEqual(received(channel.server, channel.client.seal(parts)), content);
    }
  }
});

test('lengths are padded to buckets that cost at most half of a small record and a sixteenth of a large one', () => {
  const seen = new Set<number>();
  let previous = 0;
  for (let length = 3; length <= MAX_PLAINTEXT; length += 1) {
    const padded = paddedLength(length);
    seen.add(padded);
    assert.ok(padded >= length && padded >= previous && padded <= MAX_PLAINTEXT);
    if (length > 1024) assert.ok(padded - length <= length / 16);
    else if (length > 64) assert.ok(padded < length * 2);
    previous = padded;
  }
  assert.ok(seen.size <= 105, `${seen.size} lengths to tell apart`);
  const channel = openChannel(suite, server);
  assert.equal(channel.client.seal(bytes(1)).byteLength, channel.client.end().byteLength);
});

test('an incomplete frame takes no more memory than its length, and one too long is refused at its length', () => {
  const reader = new FrameReader(100);
  assert.equal(reader.read(Uint8Array.of(0), 0), undefined);
  assert.throws(() => reader.read(Uint8Array.of(101), 0), ChannelRecordError);
});

test('records with an impossible length, type or content are refused', () => {
  for (const frame of [
    [0, 0],
    [0, 79, ...bytes(79)],
    [0, 16, ...bytes(16)],
  ])
    assert.throws(
      () => received(openChannel(suite, server).server, Uint8Array.from(frame)),
      ChannelRecordError,
    );
});
