import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Duplex, duplexPair, Transform } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { FrameKind, frameHeader, INITIAL_WINDOW, PREFACE, windowFrame } from './frames.ts';
import type { MultiplexedStream } from './multiplexed-stream.ts';
import { Multiplexer } from './multiplexer.ts';
import { MultiplexerState } from './multiplexer-state.ts';

interface Pair {
  readonly opener: Multiplexer;
  readonly acceptor: Multiplexer;
  /** Resolves with the nth stream that the acceptor gets. */
  accepted(nth: number): Promise<MultiplexedStream>;
}

/** Two connected multiplexers. The bytes from the opener are cut into pieces of `piece` bytes. */
async function connected(
  onStream: (stream: MultiplexedStream) => void = () => {},
  { maxStreams = 64, opensPerSecond = 10_000, piece = 0 } = {},
): Promise<Pair> {
  const [near, far] = duplexPair();
  const accepted: MultiplexedStream[] = [];
  const opener = Multiplexer.open(near);
  const wire = piece === 0 ? far : recut(far, piece);
  for (const side of [near, far, wire]) side.on('error', () => {});
  await once(wire, 'readable');
  assert.deepEqual(wire.read(1), Buffer.of(PREFACE));
  const acceptor = Multiplexer.accept(wire, {
    maxStreams,
    opensPerSecond,
    onStream: (stream) => {
      stream.on('error', () => {});
      accepted.push(stream);
      onStream(stream);
    },
  });
  return {
    opener,
    acceptor,
    async accepted(nth) {
      for (;;) {
        const stream = accepted[nth];
        if (stream !== undefined) return stream;
        await setImmediate();
      }
    },
  };
}

/** The same bytes read in other pieces. */
function recut(stream: Duplex, piece: number): Duplex {
  const cutter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      for (let at = 0; at < chunk.byteLength; at += piece) this.push(chunk.subarray(at, at + piece));
      done();
    },
  });
  return Duplex.from({ readable: stream.pipe(cutter), writable: stream });
}

/** An acceptor, and a raw stream to write arbitrary bytes to it. */
function attacked(onStream: (stream: MultiplexedStream) => void = () => {}): { near: Duplex; far: Duplex } {
  const [near, far] = duplexPair();
  Multiplexer.accept(far, {
    maxStreams: 4,
    opensPerSecond: 8,
    onStream: (stream) => {
      stream.on('error', () => {});
      onStream(stream);
    },
  });
  near.on('error', () => {});
  return { near, far };
}

function frame(id: number, kind: number, payload: Uint8Array = new Uint8Array(0)): Buffer {
  return Buffer.concat([frameHeader(id, kind, payload.byteLength), payload]);
}

test('data written to many streams at once arrives completely and in order, whatever the chunk size', async () => {
  const writes = fc.array(fc.array(fc.integer({ min: 0, max: 40_000 }), { maxLength: 6 }), {
    minLength: 1,
    maxLength: 8,
  });
  await fc.assert(
    fc.asyncProperty(writes, fc.constantFrom(0, 1, 3, 7, 1_000), async (streams, piece) => {
      const echo = (stream: MultiplexedStream): void => void stream.pipe(stream);
      const { opener } = await connected(echo, { piece });
      const replies = streams.map(async (sizes, index) => {
        const stream = opener.stream();
        const sent = sizes.map((size) => Buffer.alloc(size, `${index}${size}`));
        for (const chunk of sent) stream.write(chunk);
        stream.end();
        assert.ok((await buffer(stream)).equals(Buffer.concat(sent)));
      });
      await Promise.all(replies);
      opener.end();
    }),
    { numRuns: 40 },
  );
});

test('a reader that stops reading blocks its own stream at its window, and no other', async () => {
  const { opener, accepted } = await connected((stream) => {
    if (stream.id > 1) stream.pipe(stream);
  });
  const stuck = opener.stream();
  stuck.on('error', () => {});
  let sent = 0;
  const chunk = Buffer.alloc(10_000);
  const write = (): void => {
    stuck.write(chunk, (error) => {
      if (error) return;
      sent += chunk.byteLength;
      write();
    });
  };
  write();
  const other = opener.stream();
  const much = Buffer.alloc(5_000_000, 'x');
  other.end(much);
  assert.ok((await buffer(other)).equals(much));
  const unread = await accepted(0);
  assert.equal(unread.readableLength, INITIAL_WINDOW);
  assert.ok(sent <= INITIAL_WINDOW, `${sent} bytes sent`);
  // Reading resumes the stream.
  let read = 0;
  for await (const part of unread) {
    read += (part as Buffer).byteLength;
    if (read > 1_000_000) break;
  }
});

test('writes in one turn of the event loop share a write of the carrier', async () => {
  const [near, far] = duplexPair();
  const chunks: Buffer[] = [];
  far.on('data', (chunk: Buffer) => chunks.push(chunk));
  const opener = Multiplexer.open(near);
  await once(far, 'data');
  for (let n = 0; n < 5; n += 1) opener.stream().write(`request ${n}`);
  await once(far, 'data');
  await setImmediate();
  assert.equal(chunks.length, 2);
});

test('an end arrives as an end, and a break before it as an error', async () => {
  const { opener, acceptor, accepted } = await connected();
  const whole = opener.stream();
  whole.end('all');
  assert.equal(String(await buffer(await accepted(0))), 'all');
  (await accepted(0)).end();
  whole.resume();
  await once(whole, 'close');

  const cut = opener.stream();
  cut.write('a part');
  const part = await accepted(1);
  cut.destroy();
  await assert.rejects(buffer(part), { code: 'AICO_CHANNEL_TRUNCATED' });

  const left = opener.stream();
  left.write('a part');
  const lefts = [buffer(left), buffer(await accepted(2))];
  opener.carrier.destroy();
  acceptor.carrier.destroy();
  await Promise.all(lefts.map((each) => assert.rejects(each, { code: 'AICO_CHANNEL_TRUNCATED' })));
  assert.throws(() => opener.stream(), { code: 'AICO_CHANNEL_CLOSED' });
});

test('a carrier that ends cleanly still cuts the streams that have not ended', async () => {
  const { opener, acceptor, accepted } = await connected();
  const stream = opener.stream();
  stream.write('a part');
  await accepted(0);
  acceptor.carrier.end();
  await assert.rejects(buffer(stream), { code: 'AICO_CHANNEL_TRUNCATED' });
});

test('end() waits for pending writes and for the answers to them', async () => {
  const { opener, acceptor } = await connected((stream) => void stream.pipe(stream));
  const ended = once(acceptor.carrier, 'end');
  const stream = opener.stream();
  const much = Buffer.alloc(1_000_000, 'y');
  stream.write(much);
  const answer = buffer(stream);
  opener.end();
  assert.ok((await answer).equals(much));
  await ended;
});

test('one stream above the limit is reset; the others continue', async () => {
  const { opener } = await connected((stream) => void stream.pipe(stream), { maxStreams: 2 });
  const [first, second, third] = [opener.stream(), opener.stream(), opener.stream()];
  for (const stream of [first, second, third]) stream.write('x');
  await assert.rejects(buffer(third), { code: 'AICO_CHANNEL_TRUNCATED' });
  second.destroy();
  first.end();
  assert.equal(String(await buffer(first)), 'x');
});

test('streams that are opened faster than allowed are read later, and none is lost', async (t) => {
  let now = 0;
  t.mock.method(performance, 'now', () => now);
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let opened = 0;
  const { opener } = await connected(
    (stream) => {
      opened += 1;
      stream.pipe(stream);
    },
    { opensPerSecond: 2 },
  );
  const replies: Promise<Buffer>[] = [];
  for (let n = 0; n < 9; n += 1) {
    const stream = opener.stream();
    stream.end(`${n}`);
    replies.push(buffer(stream));
    // Lets each frame travel separately.
    for (let turn = 0; turn < 4; turn += 1) await setImmediate();
  }
  assert.equal(opened, 3);
  for (let tick = 0; tick < 20; tick += 1) {
    now += 500;
    t.mock.timers.tick(500);
    for (let turn = 0; turn < 4; turn += 1) await setImmediate();
  }
  assert.deepEqual((await Promise.all(replies)).map(String), ['0', '1', '2', '3', '4', '5', '6', '7', '8']);
});

test('streams far above the rate that arrive in one piece are reset', async (t) => {
  t.mock.method(performance, 'now', () => 0);
  const opened: number[] = [];
  const { near } = attacked((stream) => {
    opened.push(stream.id);
    stream.destroy();
  });
  near.resume();
  near.write(Buffer.concat(Array.from({ length: 100 }, (_, n) => frame(n + 1, FrameKind.data))));
  for (let turn = 0; turn < 10; turn += 1) await setImmediate();
  assert.equal(opened.length, 16);
  near.destroy();
});

test('a peer that violates the protocol loses the channel', async (t) => {
  const data = Buffer.alloc(60_000);
  const hostile: Readonly<Record<string, readonly Buffer[]>> = {
    'a frame of unknown kind': [frame(1, 6)],
    'an end with a payload': [frame(1, FrameKind.end, Buffer.alloc(1))],
    'a window of two bytes': [frame(1, FrameKind.window, Buffer.alloc(2)), Buffer.alloc(2)],
    'stream 0': [frame(0, FrameKind.data, Buffer.alloc(1))],
    'bytes after the end': [frame(1, FrameKind.end), frame(1, FrameKind.data, Buffer.alloc(1))],
    'a window of a stream that was never opened': [Buffer.from(windowFrame(9, 100))],
    'a reset of a stream that was never opened': [
      frame(1, FrameKind.data, Buffer.of(1)),
      frame(2, FrameKind.reset),
    ],
    'a ping of a stream': [frame(1, FrameKind.data, Buffer.of(1)), frame(1, FrameKind.ping)],
    'a second end': [frame(1, FrameKind.end), frame(1, FrameKind.end)],
    'more than the window': Array.from({ length: 5 }, () => frame(1, FrameKind.data, data)),
  };
  for (const [name, frames] of Object.entries(hostile)) {
    await t.test(name, async () => {
      // It is not read, so its window does not grow.
      const { near, far } = attacked();
      const failed = once(far, 'error');
      for (const each of frames) near.write(each);
      assert.equal(((await failed) as [{ code: string }])[0].code, 'AICO_CHANNEL_STREAMS');
    });
  }
  await t.test('many pings without reading the answers', async () => {
    const { near, far } = attacked();
    const failed = once(far, 'error');
    const questions = Buffer.concat(Array.from({ length: 100 }, () => frame(0, FrameKind.ping)));
    for (let n = 0; n < 1_000 && !far.destroyed; n += 1) {
      near.write(questions);
      await setImmediate();
    }
    assert.equal(((await failed) as [{ code: string }])[0].code, 'AICO_CHANNEL_STREAMS');
  });
  await t.test('an unbounded window', () => {
    const stream = new MultiplexerState({ onWake: () => {}, onFailure: () => {} }).open();
    // The sum exceeds the range of a double's integers.
    for (let n = 0; n < 100; n += 1) stream.arrivedWindow(0xffff_ffff);
    assert.throws(
      () => {
        for (let n = 0; n < 2_000_000; n += 1) stream.arrivedWindow(0xffff_ffff);
      },
      { code: 'AICO_CHANNEL_STREAMS' },
    );
  });
});

test('arbitrary bytes can only break off the channel', async () => {
  const anyFrame = fc
    .record({
      id: fc.oneof(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 0xffff_ffff })),
      kind: fc.integer({ min: 0, max: 7 }),
      payload: fc.uint8Array({ maxLength: 64 }),
    })
    .map(({ id, kind, payload }) => frame(id, kind, payload));
  const anything = fc.oneof(anyFrame, fc.uint8Array({ maxLength: 40 }).map(Buffer.from));
  await fc.assert(
    fc.asyncProperty(fc.array(anything, { maxLength: 30 }), async (pieces) => {
      const { near, far } = attacked((stream) => void stream.pipe(stream));
      let failure: unknown;
      far.on('error', (error) => {
        failure = error;
      });
      near.resume();
      for (const piece of pieces) if (piece.byteLength > 0) near.write(piece);
      near.end();
      await new Promise((resolve) => far.once('close', resolve));
      if (failure !== undefined) assert.equal((failure as { code?: string }).code, 'AICO_CHANNEL_STREAMS');
    }),
    { numRuns: 300 },
  );
});

test('random writes, ends and breaks on either side leave nothing behind and throw nothing', async () => {
  const action = fc.record({
    stream: fc.nat({ max: 5 }),
    side: fc.boolean(),
    kind: fc.constantFrom('write', 'write', 'write', 'end', 'destroy', 'resume', 'turn'),
    size: fc.nat({ max: 300_000 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 40 }), async (actions) => {
      const far = new Map<number, MultiplexedStream>();
      const { opener, acceptor } = await connected((stream) => void far.set(stream.id, stream));
      const near = Array.from({ length: 6 }, () => opener.stream().on('error', () => {}));
      for (const { stream, side, kind, size } of actions) {
        const own = near[stream];
        const at = side ? own : far.get(own?.id ?? 0);
        if (at === undefined) continue;
        if (kind === 'turn') await setImmediate();
        else if (kind === 'write' && at.writable) at.write(Buffer.alloc(size));
        else if (kind === 'end') at.end();
        else if (kind === 'destroy') at.destroy();
        else at.resume();
      }
      for (const stream of near) stream.resume();
      for (const stream of far.values()) stream.resume().end();
      opener.end();
      // Reads and ends the streams that arrived last, too.
      while (acceptor.size + opener.size > 0) {
        for (const stream of far.values()) stream.resume().end();
        await setImmediate();
      }
      assert.equal(opener.carrier.writableEnded, true);
    }),
    { numRuns: 100 },
  );
});

test('a window frame lets a writer continue, and is ignored for a stream that is over', async () => {
  const { near } = attacked();
  near.resume();
  near.write(frame(1, FrameKind.end));
  near.write(frame(1, FrameKind.reset));
  near.write(windowFrame(1, 100));
  near.write(frame(0, FrameKind.ping));
  const [answer] = (await once(near, 'data')) as [Buffer];
  assert.deepEqual(answer, frame(0, FrameKind.pong));
  near.destroy();
});

test('a peer that is silent while a stream is open is sent a ping, and the channel fails if no answer comes', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'] });
  const { opener, acceptor } = await connected((stream) => void stream.pipe(stream));
  const stream = opener.stream();
  stream.write('a');
  await once(stream, 'data');
  for (let n = 0; n < 20; n += 1) {
    t.mock.timers.tick(5_000);
    for (let turn = 0; turn < 4; turn += 1) await setImmediate();
  }
  assert.equal(opener.carrier.destroyed, false, 'it was asked, and has answered');
  // From here on the peer is silent. The opener writes nothing either, but its streams must still fail.
  acceptor.carrier.removeAllListeners('data');
  acceptor.carrier.resume();
  const failed = once(stream, 'error');
  t.mock.timers.tick(10_000);
  await setImmediate();
  t.mock.timers.tick(20_000);
  assert.equal(((await failed) as [{ code: string }])[0].code, 'AICO_CHANNEL_SILENT');
});

test('a channel without streams sends no pings', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'] });
  const { opener, acceptor } = await connected();
  const heard: unknown[] = [];
  acceptor.carrier.on('data', (chunk) => heard.push(chunk));
  t.mock.timers.tick(60_000);
  await setImmediate();
  assert.deepEqual([heard, opener.carrier.destroyed], [[], false]);
});

test('an idle stream emits timeout after its time, and not before', async () => {
  const { opener } = await connected((stream) => void stream.pipe(stream));
  const stream = opener.stream();
  stream.setTimeout(10_000).setTimeout(5);
  await once(stream, 'timeout');
  stream.setTimeout(0);
  stream.setTimeout(5);
  await once(stream, 'timeout');
  stream.destroy();
});

test('the carrier keeps the process alive as long as one of its streams does', async () => {
  const { opener } = await connected();
  const refs: string[] = [];
  Object.assign(opener.carrier, { ref: () => refs.push('ref'), unref: () => refs.push('unref') });
  const [first, second] = [opener.stream(), opener.stream()];
  first.unref();
  first.unref();
  second.unref();
  second.ref();
  second.destroy();
  first.destroy();
  assert.deepEqual(refs, ['ref', 'unref', 'ref', 'unref']);
});
