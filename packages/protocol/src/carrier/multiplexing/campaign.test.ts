/** Random operations on both sides of several streams, in a sealed channel whose bytes arrive in random pieces. */
import assert from 'node:assert/strict';
import { Duplex, duplexPair, Transform } from 'node:stream';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { openChannel } from '../../../test/fixtures/channel.ts';
import { sodiumSuite } from '../../channel/suites/sodium-suite.ts';
import { SealedStream } from '../sealed-stream.ts';
import type { MultiplexedStream } from './multiplexed-stream.ts';
import { Multiplexer } from './multiplexer.ts';

const CAMPAIGNS = 40;
const STEPS = 120;
/** Turns of the event loop after which an unfinished stream counts as hung. */
const PATIENCE = 20_000;

/** A deterministic random number generator (mulberry32). */
function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** The same bytes, in pieces of random size. */
function recut(stream: Duplex, roll: (below: number) => number): Duplex {
  const cutter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      for (let at = 0; at < chunk.byteLength; ) {
        const size = roll(4) === 0 ? 1 + roll(30) : 1 + roll(20_000);
        this.push(chunk.subarray(at, at + size));
        at += size;
      }
      done();
    },
  });
  return Duplex.from({ readable: stream.pipe(cutter), writable: stream });
}

/** The bytes of one direction. The value of a byte depends on its position, so that a missing or misplaced byte is detected. */
function bytesAt(position: number, size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  for (let at = 0; at < size; at += 1) bytes[at] = (position + at) % 251;
  return bytes;
}

/** One end of a stream: the bytes it wrote and read. */
class End {
  readonly stream: MultiplexedStream;
  written = 0;
  read = 0;
  sawEnd = false;
  failed = false;
  closed = false;

  constructor(stream: MultiplexedStream) {
    this.stream = stream;
    stream.setTimeout(600_000);
    stream.on('error', () => {
      this.failed = true;
    });
    stream.on('close', () => {
      this.closed = true;
    });
    stream.on('end', () => {
      this.sawEnd = true;
    });
  }

  readSome(): void {
    const chunk: unknown = this.stream.read();
    if (!(chunk instanceof Uint8Array)) return;
    assert.ok(bytesAt(this.read, chunk.byteLength).equals(chunk), 'every byte in its order');
    this.read += chunk.byteLength;
  }

  write(size: number): void {
    if (!this.stream.writable) return;
    this.stream.write(bytesAt(this.written, size));
    this.written += size;
  }

  end(): void {
    if (this.stream.writable) this.stream.end();
  }
}

async function campaign(seed: number): Promise<void> {
  const roll = dice(seed);
  const [near, far] = duplexPair();
  const { client, server } = openChannel(sodiumSuite);
  const sealed = new SealedStream(recut(near, roll), client);
  const opposite = new SealedStream(recut(far, roll), server);
  for (const side of [near, far, sealed, opposite]) side.on('error', () => {});
  const opener = Multiplexer.open(sealed);
  while (opposite.read(1) === null) await setImmediate();
  const fars = new Map<number, End>();
  const acceptor = Multiplexer.accept(opposite, {
    maxStreams: 6,
    onStream: (stream) => void fars.set(stream.id, new End(stream)),
  });
  const nears: End[] = [];
  const all = (): readonly End[] => [...nears, ...fars.values()];

  for (let step = 0; step < STEPS; step += 1) {
    const ends = all();
    const one = ends[roll(ends.length + 1)];
    const what = roll(100);
    if (what < 12 || one === undefined) {
      if (nears.length < 30) nears.push(new End(opener.stream()));
    } else if (what < 50) one.write(roll(3) === 0 ? roll(300_000) : 1 + roll(2_000));
    else if (what < 78) one.readSome();
    else if (what < 84) one.end();
    else if (what < 88) one.stream.destroy();
    else await setImmediate();
  }

  // Ends or cuts the channel, on either side.
  const last = roll(4);
  if (last === 0) near.destroy();
  else if (last === 1) acceptor.end();
  else opener.end();
  for (let turn = 0; ; turn += 1) {
    for (const each of all()) {
      each.readSome();
      each.end();
    }
    if (all().every(({ closed }) => closed) && sealed.destroyed && opposite.destroyed) break;
    assert.ok(turn < PATIENCE, `campaign ${seed} hangs`);
    await setImmediate();
  }

  assert.equal(opener.size + acceptor.size, 0, 'no stream is left');
  for (const own of nears) {
    const other = fars.get(own.stream.id);
    if (other === undefined) continue;
    for (const [writer, reader] of [
      [own, other],
      [other, own],
    ] as const) {
      assert.ok(reader.read <= writer.written);
      // A reader that saw the end must have received every byte.
      if (reader.sawEnd)
        assert.ok(writer.stream.writableEnded && reader.read === writer.written, `campaign ${seed}`);
    }
  }
}

test('random operations: each byte arrives in order or its stream fails, and nothing hangs or is left behind', async (t) => {
  const timers = new Set<unknown>();
  const { setTimeout, clearTimeout } = globalThis;
  t.mock.method(globalThis, 'setTimeout', (tell: () => void, ms: number) => {
    const timer = setTimeout(tell, ms);
    timers.add(timer);
    return timer;
  });
  t.mock.method(globalThis, 'clearTimeout', (timer: NodeJS.Timeout | undefined) => {
    timers.delete(timer);
    clearTimeout(timer);
  });
  for (let seed = 1; seed <= CAMPAIGNS; seed += 1) await campaign(seed);
  // A carrier that does not accept the last bytes is given half a second.
  const until = performance.now() + 5_000;
  while (timers.size > 0 && performance.now() < until) await setImmediate();
  assert.equal(timers.size, 0, 'no timer is left');
});
