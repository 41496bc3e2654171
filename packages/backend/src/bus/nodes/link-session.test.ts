import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LinkSession } from './link-session.ts';
import { NodeKeys } from './node-keys.ts';

const SUBJECTS = { sending: 'aico.h.to.b.a', receiving: 'aico.h.to.a.b' };

function pair() {
  const keys = new NodeKeys(Buffer.alloc(32, 7));
  const one = { node: 'a', epoch: '1' };
  const other = { node: 'b', epoch: '2' };
  const sender = new LinkSession(keys.link(one, other), SUBJECTS);
  const receiver = new LinkSession(keys.link(other, one), {
    sending: SUBJECTS.receiving,
    receiving: SUBJECTS.sending,
  });
  return { sender, receiver };
}

const acts = ['pass', 'drop', 'repeat', 'alter', 'cut', 'extend', 'hold', 'release', 'earlier'] as const;

test('whatever a server does with records, frames arrive unchanged, in order and once, and exactly the lost messages are counted', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom(...acts), fc.nat(), fc.integer({ min: 0, max: 300 })), {
        maxLength: 60,
      }),
      fc.integer({ min: 40, max: 200 }),
      (script, maxPayload) => {
        const { sender, receiver } = pair();
        const arrived: number[] = [];
        let [took, lost, sent, next] = [0, 0, 0, 0];
        const past: Buffer[] = [];
        const held: Buffer[] = [];
        const give = (record: Buffer): void => {
          const opened = receiver.open(record);
          if (opened.name === 'rejected') return;
          lost += opened.lost;
          if (opened.frame === undefined) return;
          const number = opened.frame.readUInt32BE(0);
          assert.deepEqual(opened.frame.subarray(4), Buffer.alloc(opened.frame.length - 4, number & 0xff));
          arrived.push(number);
          const messages = (number % 7) + 1;
          receiver.took(messages);
          took += messages;
        };
        const send = (bytes: number): readonly Buffer[] => {
          const frame = Buffer.alloc(4 + bytes, next & 0xff);
          frame.writeUInt32BE(next, 0);
          const messages = (next % 7) + 1;
          next += 1;
          sent += messages;
          return sender.seal(frame, messages, maxPayload);
        };
        for (const [act, random, bytes] of script) {
          if (act === 'release') for (const record of held.splice(0)) give(record);
          if (act === 'earlier') {
            const record = past[random % Math.max(1, past.length)];
            if (record !== undefined) give(record);
          }
          if (act === 'release' || act === 'earlier') continue;
          for (const record of send(bytes)) {
            past.push(record);
            if (act === 'drop') continue;
            if (act === 'hold') held.push(record);
            if (act === 'alter') {
              const altered = Buffer.from(record);
              const at = random % altered.length;
              altered[at] = (altered[at] ?? 0) ^ 1;
              // The kind is read before a record is opened.
              if (at > 0) assert.equal(receiver.open(altered).name, 'rejected');
            }
            if (act === 'cut') give(record.subarray(0, random % record.length));
            if (act === 'extend') give(Buffer.concat([record, Buffer.of(random & 0xff)]));
            if (act === 'pass' || act === 'repeat') give(record);
            if (act === 'repeat') assert.equal(receiver.open(record).name, 'rejected');
          }
        }
        for (const record of send(0)) give(record);
        assert.deepEqual(
          arrived,
          [...arrived].sort((a, b) => a - b),
        );
        assert.equal(new Set(arrived).size, arrived.length);
        assert.equal(took + lost, sent);
      },
    ),
    { numRuns: 500 },
  );
});

test('a record opens on its own link, in its own direction and between the same processes only', () => {
  const { sender, receiver } = pair();
  const keys = new NodeKeys(Buffer.alloc(32, 7));
  const [record] = sender.seal(Buffer.from('text'), 1, 1_000);
  assert.ok(record !== undefined);
  const links = [
    [
      { node: 'b', epoch: '3' },
      { node: 'a', epoch: '1' },
    ],
    [
      { node: 'b', epoch: '2' },
      { node: 'a', epoch: '4' },
    ],
    [
      { node: 'c', epoch: '2' },
      { node: 'a', epoch: '1' },
    ],
    [
      { node: 'a', epoch: '1' },
      { node: 'b', epoch: '2' },
    ],
  ] as const;
  for (const [own, peer] of links) {
    const other = new LinkSession(keys.link(own, peer), { sending: 'x', receiving: SUBJECTS.sending });
    assert.equal(other.open(record).name, 'rejected');
  }
  const foreign = new NodeKeys(Buffer.alloc(32, 8)).link(
    { node: 'b', epoch: '2' },
    { node: 'a', epoch: '1' },
  );
  assert.equal(new LinkSession(foreign, SUBJECTS).open(record).name, 'rejected');
  const opened = receiver.open(record);
  assert.ok(opened.name === 'genuine' && opened.frame?.toString() === 'text');
});

test('an opening is bound to its subject, its kind and the key of the home', () => {
  const keys = new NodeKeys(Buffer.alloc(32, 7));
  const payload = keys.sealOpening('aico.h.all.a', 1, 'canary');
  assert.ok(!Buffer.from(payload).includes('canary'));
  assert.equal(keys.openOpening('aico.h.all.a', payload), 'canary');
  assert.equal(keys.openOpening('aico.h.all.b', payload), undefined);
  const asOffer = Buffer.from(payload);
  asOffer[0] = 2;
  assert.equal(keys.openOpening('aico.h.all.a', asOffer), undefined);
  assert.equal(new NodeKeys(Buffer.alloc(32, 8)).openOpening('aico.h.all.a', payload), undefined);
  for (let length = 0; length < payload.length; length += 1)
    assert.equal(keys.openOpening('aico.h.all.a', payload.subarray(0, length)), undefined);
});
