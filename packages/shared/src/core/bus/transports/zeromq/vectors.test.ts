import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import fc from 'fast-check';
import { readBatch, timeLeftUntil } from '../../frames/frame-batch.ts';
import { FrameWriter } from '../../frames/frame-writer.ts';
import { FrameType, writeAck } from '../../frames/frames.ts';
import type { BatchHeader } from '../../messages/batch.ts';
import { curveKeyPair, proveIdentity } from './curve-keys.ts';
import { decodeZ85, encodeZ85 } from './z85.ts';

const DOCUMENT = new URL('../../../../../../../docs/bus-protocol.md', import.meta.url);

const HEADER: BatchHeader = {
  topic: 'notes.created',
  source: 'journal',
  timeMs: 1_767_225_600_000,
  deadline: undefined,
  checkedBy: undefined,
  contentType: 'application/json',
  idPrefix: '0193f0a2-0000-8000-8000-',
  traceparent: undefined,
  replyto: undefined,
};

/** Computes the worked example of docs/bus-protocol.md. */
function workedExample(): Readonly<Record<string, string>> {
  const client = curveKeyPair(Buffer.alloc(32, 1));
  const broker = curveKeyPair(Buffer.alloc(32, 2));
  const routingId = Buffer.from('0123456789abcdef0123456789abcdef');
  const subject = { nonce: Buffer.alloc(32, 3), routingId, component: 'journal' };
  const writer = new FrameWriter();
  writer.beginBatch(HEADER);
  writer.message(7, '{"id":7}');
  const publish = writer.finish(FrameType.PUBLISH, 1);
  const batch = readBatch(publish, 5);
  assert.ok(batch !== undefined);
  writer.copy(42, batch, 0, 1);
  return {
    clientPublic: client.publicKey,
    brokerPublic: broker.publicKey,
    proof: proveIdentity(client.secretKey, broker.publicKey, subject).toString('hex'),
    publish: publish.toString('hex'),
    deliver: writer.finish(FrameType.DELIVER, 1).toString('hex'),
    ack: writeAck([1]).toString('hex'),
  };
}

test('the code computes the worked example of docs/bus-protocol.md', async () => {
  const text = (await readFile(DOCUMENT, 'utf8')).replaceAll(/\s+/g, '');
  for (const [name, value] of Object.entries(workedExample()))
    assert.ok(text.includes(value), `${name}: ${value}`);
});

test('both sides compute the same proof, and no other key does', () => {
  const [client, broker, other] = [curveKeyPair(), curveKeyPair(), curveKeyPair()];
  const subject = { nonce: Buffer.alloc(32), routingId: Buffer.alloc(32), component: 'a' };
  const made = proveIdentity(client.secretKey, broker.publicKey, subject);
  assert.deepEqual(proveIdentity(broker.secretKey, client.publicKey, subject), made);
  assert.notDeepEqual(proveIdentity(other.secretKey, broker.publicKey, subject), made);
  assert.notDeepEqual(
    proveIdentity(client.secretKey, broker.publicKey, { ...subject, component: 'b' }),
    made,
  );
});

test('a public key of low order is refused', () => {
  const { secretKey } = curveKeyPair();
  const subject = { nonce: Buffer.alloc(32), routingId: Buffer.alloc(32), component: 'a' };
  assert.throws(() => proveIdentity(secretKey, encodeZ85(Buffer.alloc(32)), subject));
});

test('Z85 decodes to the encoded bytes, and encodes the example of its specification', () => {
  assert.equal(encodeZ85(Buffer.from('864fd26fb559f75b', 'hex')), 'HelloWorld');
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
      assert.deepEqual(decodeZ85(encodeZ85(bytes)), bytes);
    }),
  );
  assert.equal(decodeZ85('#####'), undefined);
});

test('a batch is read as it was written, whole or in parts, and never beyond its end when it is truncated or altered', () => {
  const text = fc.string({ minLength: 1, maxLength: 40 });
  const headers = fc.record({
    topic: text,
    source: text,
    timeMs: fc.nat(),
    deadline: fc.option(fc.integer({ min: 1_000_000, max: 2_000_000_000 }), { nil: undefined }),
    contentType: fc.constant('application/octet-stream'),
    idPrefix: text,
    traceparent: fc.option(text, { nil: undefined }),
    replyto: fc.option(text, { nil: undefined }),
    checkedBy: fc.constant(undefined),
  });
  const bodies = fc.array(fc.uint8Array({ maxLength: 1_500 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(headers, bodies, fc.nat(), fc.nat(255), (header, contents, place, value) => {
      const writer = new FrameWriter();
      writer.beginBatch(header);
      for (const [number, content] of contents.entries()) writer.message(2 ** 40 + number, content);
      const frame = writer.finish(FrameType.PUBLISH, 1);
      const batch = readBatch(frame, 5);
      assert.ok(batch !== undefined);
      const { deadline, ...read } = batch.header;
      const { deadline: stated, ...written } = header;
      assert.deepEqual(read, written);
      assert.equal(deadline === undefined, stated === undefined);
      if (deadline !== undefined && stated !== undefined)
        assert.ok(Math.abs(timeLeftUntil(deadline) - timeLeftUntil(stated)) < 10_000);
      const from = place % contents.length;
      for (const part of [batch, batch.part(from, contents.length), batch.detached()]) {
        const offset = contents.length - part.length;
        for (let index = 0; index < part.length; index += 1) {
          assert.deepEqual(part.payload(index), contents[offset + index]);
          assert.equal(part.number(index), 2 ** 40 + offset + index);
        }
      }
      assert.equal(readBatch(frame.subarray(0, 5 + (place % (frame.length - 5))), 5), undefined);
      frame[5 + (place % (frame.length - 5))] = value;
      const altered = readBatch(frame, 5);
      if (altered !== undefined) assert.ok(altered.end <= frame.length);
    }),
  );
});
