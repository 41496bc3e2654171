/** Streams that end, or whose channel ends, in the middle of a read, a write or an end. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { duplexPair } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { FrameKind, frameHeader } from './frames.ts';
import type { MultiplexedStream } from './multiplexed-stream.ts';
import { Multiplexer } from './multiplexer.ts';

/** Two connected multiplexers, and the next stream that the acceptor gets. */
async function pair() {
  const [near, far] = duplexPair();
  for (const side of [near, far]) side.on('error', () => {});
  const opener = Multiplexer.open(near);
  await once(far, 'readable');
  far.read(1);
  const taken: ((stream: MultiplexedStream) => void)[] = [];
  const acceptor = Multiplexer.accept(far, {
    maxStreams: 64,
    onStream: (stream) => {
      stream.on('error', () => {});
      taken.shift()?.(stream);
    },
  });
  const next = (): Promise<MultiplexedStream> => new Promise((resolve) => taken.push(resolve));
  return { opener, acceptor, near, far, next };
}

async function turns(): Promise<void> {
  for (let n = 0; n < 10; n += 1) await setImmediate();
}

test('a response that arrived completely can be read after a reset of the stream or the end of the channel', async (t) => {
  for (const how of ['reset', 'cut'] as const)
    await t.test(how, async () => {
      const { opener, far, next } = await pair();
      const answered = next();
      const stream = opener.stream();
      stream.write('question');
      const theirs = await answered;
      const answer = Buffer.alloc(200_000, 'a');
      theirs.end(answer);
      await turns();
      if (how === 'reset') theirs.destroy();
      else far.destroy();
      await turns();
      assert.ok((await buffer(stream)).equals(answer));
      assert.equal(stream.destroyed, true);
      assert.equal(opener.size, 0);
    });
});

test('the accepting side releases a broken stream at once, read or not', async () => {
  const { opener, acceptor, next } = await pair();
  const asked = next();
  const stream = opener.stream();
  stream.end('a request that is never read');
  const theirs = await asked;
  await turns();
  stream.destroy();
  await once(theirs, 'close');
  assert.equal(theirs.destroyed, true);
  assert.equal(acceptor.size, 0);
});

test('an empty data frame opens a stream', async () => {
  const [near, far] = duplexPair();
  near.resume();
  const opened: MultiplexedStream[] = [];
  Multiplexer.accept(far, { maxStreams: 4, onStream: (stream) => opened.push(stream) });
  near.write(frameHeader(1, FrameKind.data, 0));
  near.write(frameHeader(2, FrameKind.end, 0));
  near.write(Buffer.concat([frameHeader(1, FrameKind.data, 2), Buffer.from('hi')]));
  near.write(frameHeader(1, FrameKind.end, 0));
  await turns();
  assert.deepEqual(
    opened.map(({ id }) => id),
    [1, 2],
  );
  const [first] = opened;
  assert.equal(String(first?.read()), 'hi');
  near.destroy();
});

test('an end of the channel while frames are being gathered waits for them', async () => {
  const { opener, acceptor, next } = await pair();
  const asked = next();
  const stream = opener.stream();
  stream.write('first');
  await turns();
  const theirs = await asked;
  stream.on('error', () => {});
  // The write callback runs while the frame is being written to the carrier.
  stream.write('last', () => stream.destroy());
  opener.end();
  const chunks: Buffer[] = [];
  theirs.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(acceptor.carrier, 'end');
  assert.equal(Buffer.concat(chunks).toString(), 'firstlast');
});

test('a timeout set on a finished stream never fires', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { opener } = await pair();
  const stream = opener.stream();
  stream.destroy();
  let told = 0;
  stream.on('timeout', () => {
    told += 1;
  });
  stream.setTimeout(1, () => {
    told += 1;
  });
  const now = performance.now() + 1_000;
  t.mock.method(performance, 'now', () => now);
  t.mock.timers.tick(1_000);
  assert.equal(told, 0);
});

test('one long write that a slow reader takes bit by bit is not idle', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let now = 1_000;
  t.mock.method(performance, 'now', () => now);
  const { opener, next } = await pair();
  const asked = next();
  const stream = opener.stream();
  let rested = 0;
  stream.setTimeout(10_000, () => {
    rested += 1;
  });
  stream.write(Buffer.alloc(2_000_000));
  const theirs = await asked;
  // Reads until all data has been sent, except what is in flight.
  for (let read = 0; read < 1_500_000; ) {
    await turns();
    const chunk = theirs.read() as Buffer | null;
    if (chunk === null) continue;
    read += chunk.byteLength;
    await turns();
    now += 6_000;
    t.mock.timers.tick(6_000);
  }
  assert.equal(rested, 0);
  stream.destroy();
});
