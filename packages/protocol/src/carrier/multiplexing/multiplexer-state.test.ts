/** Two multiplexers connected back to back without sockets, with random operations, orders and chunk sizes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { INITIAL_WINDOW, PREFACE } from './frames.ts';
import { MultiplexerState } from './multiplexer-state.ts';
import type { StreamState } from './stream-state.ts';

/** One end of a stream: the bytes it wrote, and those that have arrived but are not read yet. */
class End {
  readonly state: StreamState;
  readonly arrived: Uint8Array[] = [];
  unread = 0;
  read = 0;
  written = 0;
  sent = 0;
  isWriting = false;
  endedAt: number | undefined;
  sawEnd = false;
  wasReset = false;
  isEnding = false;

  constructor(state: StreamState) {
    this.state = state;
    state.listener = {
      onData: (bytes) => {
        assert.ok(!this.sawEnd && !this.wasReset, 'no data after the end');
        // The buffer belongs to the sender in this test.
        this.arrived.push(bytes.slice());
        this.unread += bytes.byteLength;
        assert.ok(this.unread <= INITIAL_WINDOW, 'never more than a window waits');
      },
      onEnd: () => {
        assert.ok(!this.sawEnd && !this.wasReset);
        this.sawEnd = true;
      },
      onReset: () => {
        assert.ok(!this.wasReset);
        this.wasReset = true;
      },
      onSent: (isAll) => {
        if (isAll) this.isWriting = false;
      },
      onEndSent: () => {
        this.endedAt = this.written;
      },
    };
  }

  write(size: number): void {
    if (this.isWriting || this.isEnding || this.state.isOver || size === 0) return;
    const bytes = new Uint8Array(size);
    for (let at = 0; at < size; at += 1) bytes[at] = (this.written + at) % 251;
    this.written += size;
    this.isWriting = true;
    const cut = size >>> 1;
    this.state.write([bytes.subarray(0, cut), bytes.subarray(cut)], size);
  }

  end(): void {
    if (this.isEnding || this.state.isOver) return;
    this.isEnding = true;
    this.state.end();
  }

  readSome(): void {
    const bytes = this.arrived.shift();
    if (bytes === undefined) return;
    for (const byte of bytes) {
      assert.equal(byte, this.read % 251, 'every byte in its order');
      this.read += 1;
    }
    this.unread -= bytes.byteLength;
    this.state.updateWindow(this.unread);
  }
}

/** A multiplexer and the bytes it has sent. */
class Side {
  readonly multiplexer: MultiplexerState;
  readonly ends = new Map<number, End>();
  #wire: Uint8Array = new Uint8Array(0);

  constructor(maxStreams?: number) {
    const events = { onWake: () => {}, onFailure: (error: Error) => assert.fail(error) };
    this.multiplexer = new MultiplexerState(
      events,
      maxStreams === undefined
        ? undefined
        : {
            maxStreams,
            mayOpen: () => true,
            onStream: (state) => void this.ends.set(state.id, new End(state)),
          },
    );
  }

  /** Takes the next batch that this side sends, if any. */
  flush(): void {
    if (!this.multiplexer.hasOutput) return;
    const frames: Uint8Array[] = [];
    this.multiplexer.take(frames);
    this.#wire = Uint8Array.from(Buffer.concat([this.#wire, ...frames]));
  }

  /** Up to `size` bytes that have arrived. */
  arriving(size: number): Uint8Array {
    const piece = this.#wire.subarray(0, size);
    this.#wire = this.#wire.subarray(size);
    return piece;
  }

  get isQuiet(): boolean {
    return this.#wire.byteLength === 0 && !this.multiplexer.hasOutput;
  }
}

const step = fc.record({
  kind: fc.constantFrom(
    'open',
    'write',
    'write',
    'write',
    'read',
    'read',
    'end',
    'close',
    'flush',
    'flush',
    'arrive',
    'arrive',
  ),
  isNear: fc.boolean(),
  stream: fc.nat({ max: 7 }),
  size: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 150_000 })),
});

test('random schedules: bytes arrive in order or the stream is reset, windows hold, and nothing is left behind', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const [near, far] = [new Side(), new Side(5)];
      const opened: End[] = [];
      let isPrefaced = false;
      const arrive = (isNear: boolean, size: number): void => {
        if (isNear && !isPrefaced) {
          // The preface is read before the side that accepts has a multiplexer.
          assert.deepEqual([...near.arriving(1)], [PREFACE]);
          isPrefaced = true;
        }
        if (isNear) far.multiplexer.receive(near.arriving(size));
        else near.multiplexer.receive(far.arriving(size));
      };
      for (const { kind, isNear, stream, size } of steps) {
        const end = isNear ? opened[stream] : far.ends.get(opened[stream]?.state.id ?? 0);
        if (kind === 'open') opened.push(new End(near.multiplexer.open()));
        else if (kind === 'flush') (isNear ? near : far).flush();
        else if (kind === 'arrive') {
          if (isNear) near.flush();
          arrive(isNear, size);
        } else if (kind === 'write') end?.write(size);
        else if (kind === 'read') end?.readSome();
        else if (kind === 'end') end?.end();
        else end?.state.close();
      }
      // Reads and ends everything until both sides are quiet.
      for (let turn = 0; !(near.isQuiet && far.isQuiet) || turn < 10; turn += 1) {
        assert.ok(turn < 10_000, 'it comes to an end');
        for (const end of [...opened, ...far.ends.values()]) {
          while (end.arrived.length > 0) end.readSome();
          end.end();
          if (end.sawEnd && end.endedAt !== undefined) end.state.close();
        }
        near.flush();
        arrive(true, 1 << 30);
        far.flush();
        arrive(false, 1 << 30);
      }
      for (const own of opened) {
        const other = far.ends.get(own.state.id);
        for (const [writer, reader] of [
          [own, other],
          [other, own],
        ] as const) {
          if (writer === undefined || reader === undefined) continue;
          assert.ok(reader.read <= writer.written);
          if (reader.sawEnd) assert.equal(reader.read, writer.endedAt);
        }
      }
      assert.deepEqual([near.multiplexer.size, far.multiplexer.size], [0, 0]);
    }),
    { numRuns: 300 },
  );
});

test('streams take turns: one with much to send delays another by one frame each', () => {
  const near = new Side();
  const [greedy, other] = [new End(near.multiplexer.open()), new End(near.multiplexer.open())];
  greedy.write(200_000);
  other.write(10);
  // A batch is one frame of the first stream; the next begins with the other.
  near.multiplexer.take([]);
  assert.deepEqual([greedy.isWriting, other.isWriting], [true, true]);
  near.multiplexer.take([]);
  assert.deepEqual([greedy.isWriting, other.isWriting], [true, false]);
});

test('a peer that sends pings without reading answers is reported after a bounded number of them', () => {
  let failures = 0;
  const multiplexer = new MultiplexerState(
    { onWake: () => {}, onFailure: () => (failures += 1) },
    { maxStreams: 1, mayOpen: () => true, onStream: () => {} },
  );
  const pings = new MultiplexerState({ onWake: () => {}, onFailure: () => {} });
  const frames: Uint8Array[] = [];
  pings.take([]);
  pings.ping();
  pings.take(frames);
  for (let n = 0; n < 1_024; n += 1) for (const frame of frames) multiplexer.receive(frame);
  assert.equal(failures, 0);
  for (const frame of frames) multiplexer.receive(frame);
  assert.equal(failures, 1);
});
