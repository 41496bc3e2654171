import assert from 'node:assert/strict';
import { type Duplex, duplexPair } from 'node:stream';
import { describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { type MultiplexedStream, Multiplexer } from '@aico/protocol/carrier';
import { FrameKind, frameHeader, INITIAL_WINDOW } from '@aico/protocol/carrier/multiplexing';
import fc from 'fast-check';
import { ChannelSet } from '../core/channel-set.ts';
import { ConnectionPool } from './connection-pool.ts';
import { type ByteChannel, MultiplexedChannel } from './multiplexed-channel.ts';

/** One end of a pair as the channel of a browser, whose bytes arrive in chunks of any size. */
class Pieces implements ByteChannel {
  readonly #stream: Duplex;
  readonly #sizes: readonly number[];
  #turn = 0;
  #rest: Uint8Array = new Uint8Array();
  #failure: Error | undefined;

  constructor(stream: Duplex, sizes: readonly number[] = [65_536]) {
    this.#stream = stream;
    this.#sizes = sizes;
    stream.on('error', () => {});
  }

  get isOpen(): boolean {
    return !this.#stream.destroyed && !this.#stream.writableEnded;
  }

  get failure(): Error | undefined {
    return this.#failure;
  }

  async write(bytes: Uint8Array): Promise<void> {
    await new Promise<void>((resolve) => this.#stream.write(bytes, () => resolve()));
  }

  async read(): Promise<Uint8Array | undefined> {
    while (this.#rest.byteLength === 0) {
      if (this.#failure !== undefined) throw this.#failure;
      const chunk: unknown = this.#stream.read();
      if (chunk instanceof Uint8Array) this.#rest = chunk;
      else if (this.#stream.readableEnded || !this.isOpen) return undefined;
      else await setImmediate();
    }
    const size = this.#sizes[this.#turn % this.#sizes.length] ?? 1;
    this.#turn += 1;
    const piece = this.#rest.subarray(0, size);
    this.#rest = this.#rest.subarray(size);
    return piece;
  }

  close(): void {
    this.#stream.end();
  }

  fail(error: Error): void {
    this.#failure ??= error;
    this.#stream.destroy();
  }
}

function pair(onStream: (stream: MultiplexedStream) => void, sizes?: readonly number[]) {
  const [near, far] = duplexPair();
  const channel = new Pieces(near, sizes);
  const server = Promise.withResolvers<Multiplexer>();
  far.on('error', () => {});
  far.once('readable', () => {
    const preface: unknown = far.read(1);
    if (preface === null) return;
    assert.deepEqual(preface, Buffer.of(0));
    server.resolve(Multiplexer.accept(far, { onStream, maxStreams: 64 }));
  });
  return { channel, far, client: new MultiplexedChannel(channel, 60_000), server: server.promise };
}

function echo(stream: MultiplexedStream): void {
  stream.on('error', () => {});
  stream.pipe(stream);
}

async function readBytes(
  connection: { read(): Promise<Uint8Array | undefined> },
  size: number,
): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  while (bytes < size) {
    const part = await connection.read();
    if (part === undefined) break;
    parts.push(part);
    bytes += part.byteLength;
  }
  return Buffer.concat(parts);
}

describe('several connections in the channel of a browser', () => {
  test('writes on each are echoed completely and in order, and nothing is left behind', async () => {
    const work = fc.array(fc.array(fc.integer({ min: 1, max: 90_000 }), { maxLength: 6 }), {
      minLength: 1,
      maxLength: 8,
    });
    const sizes = fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(work, sizes, async (connections, pieces) => {
        const { client, server } = pair(echo, pieces);
        const all = connections.map(async (writes, index) => {
          const connection = client.connection();
          const sent = Buffer.concat(writes.map((size, n) => Buffer.alloc(size, index * 16 + n)));
          const received = readBytes(connection, sent.byteLength);
          for (const [n, size] of writes.entries())
            await connection.write(Buffer.alloc(size, index * 16 + n));
          assert.ok(sent.equals(await received));
          connection.close();
        });
        await Promise.all(all);
        assert.equal(client.size, 0);
        if (connections.every((writes) => writes.length === 0)) return client.close(new Error('done'));
        const { carrier } = await server;
        client.close(new Error('done'));
        while (!carrier.readableEnded) await setImmediate();
        assert.equal((await server).size, 0);
        return undefined;
      }),
      { numRuns: 25 },
    );
  });

  test('unread data beyond a window stays with its writer and does not delay other connections', async () => {
    const streams: MultiplexedStream[] = [];
    const { client } = pair((stream) => {
      streams.push(stream);
      stream.on('error', () => {});
    });
    const [slow, quick] = [client.connection(), client.connection()];
    await Promise.all([slow.write(Buffer.of(1)), quick.write(Buffer.of(2))]);
    while (streams.length < 2) await setImmediate();
    const size = 4 * INITIAL_WINDOW;
    streams[0]?.write(Buffer.alloc(size, 7));
    streams[1]?.write('hello');
    assert.equal((await readBytes(quick, 5)).toString(), 'hello');
    assert.equal(streams[0]?.writableLength, size);
    const all = await readBytes(slow, size);
    assert.equal(all.byteLength, size);
    client.close(new Error('done'));
  });

  test('a reset ends its own connection, and so does an end, after earlier data', async () => {
    const { client } = pair((stream) => {
      stream.on('error', () => {});
      stream.once('data', (chunk: Buffer) => {
        if (chunk[0] === 1) stream.destroy();
        else stream.end('bye');
      });
    });
    const [broken, ended] = [client.connection(), client.connection()];
    await Promise.all([broken.write(Buffer.of(1)), ended.write(Buffer.of(2))]);
    await assert.rejects(broken.read(), { code: 'AICO_CHANNEL_TRUNCATED' });
    await assert.rejects(broken.write(Buffer.of(1)), { code: 'AICO_CHANNEL_TRUNCATED' });
    assert.equal((await readBytes(ended, 10)).toString(), 'bye');
    assert.deepEqual([broken.isOpen, ended.isOpen, client.isOpen, client.size], [false, false, true, 0]);
    client.close(new Error('done'));
  });

  test('a cut or ended channel is an error for connections that have not ended', async () => {
    for (const isCut of [true, false]) {
      const { client, far, channel } = pair((stream) => stream.on('error', () => {}));
      const connection = client.connection();
      await connection.write(Buffer.of(1));
      const read = connection.read();
      if (isCut) channel.fail(new Error('cut'));
      else far.end();
      await assert.rejects(read, isCut ? /cut/ : { code: 'AICO_CHANNEL_TRUNCATED' });
      await assert.rejects(connection.write(Buffer.of(1)));
      assert.deepEqual([client.isOpen, client.size], [false, 0]);
    }
  });

  test('a backend that violates the protocol loses the channel', async () => {
    const data = (id: number, length: number): Buffer =>
      Buffer.concat([frameHeader(id, FrameKind.data, length), Buffer.alloc(length)]);
    const end = frameHeader(1, FrameKind.end, 0);
    const hostile: readonly Uint8Array[] = [
      data(2, 1),
      data(0, 1),
      frameHeader(1, 9, 0),
      frameHeader(1, FrameKind.end, 5),
      Buffer.concat(Array.from({ length: 5 }, () => data(1, 65_000))),
      Buffer.concat([frameHeader(2, FrameKind.reset, 0)]),
      Buffer.concat([frameHeader(0, FrameKind.end, 0)]),
    ];
    for (const frames of hostile) {
      const [near, far] = duplexPair();
      const channel = new Pieces(near);
      const client = new MultiplexedChannel(channel, 60_000);
      const connection = client.connection();
      await connection.write(Buffer.of(1));
      far.write(frames);
      while (channel.failure === undefined) await setImmediate();
      assert.equal((channel.failure as { code?: string }).code, 'AICO_CHANNEL_STREAMS');
      assert.equal(client.size, 0);
      far.destroy();
    }
    // Frames in flight when the connection ended are ignored.
    const [near, far] = duplexPair();
    const channel = new Pieces(near);
    const client = new MultiplexedChannel(channel, 60_000);
    const connection = client.connection();
    await connection.write(Buffer.of(1));
    far.write(Buffer.concat([end, data(1, 3), end, frameHeader(0, FrameKind.ping, 0)]));
    const sent: Uint8Array[] = [];
    for await (const chunk of far) {
      sent.push(chunk);
      if (Buffer.concat(sent).includes(Buffer.from(frameHeader(0, FrameKind.pong, 0)))) break;
    }
    assert.equal(channel.failure, undefined);
    client.close(new Error('done'));
  });
});

describe('the pool of a browser', () => {
  test('opens another channel when one is full; a waiting request can be cancelled, or is served in turn', async () => {
    const channels: MultiplexedChannel[] = [];
    const open = async () => {
      const { client } = pair(echo);
      channels.push(client);
      return client;
    };
    const pool = new ConnectionPool(new ChannelSet({ open, longestWaitMs: 1_000 }));
    const taken = await Promise.all(Array.from({ length: 128 }, () => pool.take(undefined)));
    assert.equal(channels.length, 4);
    const giveUp = new AbortController();
    const [impatient, patient] = [pool.take(giveUp.signal), pool.take(undefined)];
    giveUp.abort();
    await assert.rejects(impatient, { name: 'AbortError' });
    const [first, second] = taken;
    assert.ok(first && second);
    pool.give(first, false);
    const next = await patient;
    assert.ok(next.isOpen && next !== first);
    const late = pool.take(undefined);
    pool.close();
    await assert.rejects(late, { code: 'AICO_CLIENT_CLOSED' });
    await assert.rejects(second.read(), { code: 'AICO_CLIENT_CLOSED' });
  });
});
