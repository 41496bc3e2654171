import type { Duplex } from 'node:stream';
import { type MultiplexedStream, Multiplexer, PREFACE, type SealedStream } from '@aico/protocol/carrier';
import type { PeerGuard } from '../core/peer-guard.ts';
import { HELD_BY_REQUEST, LOOK_EVERY } from './unread-bytes.ts';

export interface InnerLimits {
  /** Connections of HTTP in one channel at once. */
  readonly maxConnections: number;
  /** Milliseconds that a channel may rest. */
  readonly idleMs: number;
}

/** Connections that one channel may open in a second. */
const OPENS_PER_SECOND = 200;

/** What a channel carries. */
export interface InnerConnections {
  /** Resolves when nothing is in flight. */
  whenIdle(): Promise<void>;
  /** Says the end of all it carries, and of the channel. */
  end(): void;
  /** Bytes that have arrived and that nobody has read. */
  unread(): number;
}

/**
 * Serves what travels inside a channel: one connection of HTTP, or several where the first byte says so.
 *
 * @param serve takes a connection in the place of a socket; what it returns resolves when nothing is in flight on it
 * @param onArrived called now and then while bytes arrive, to look at what waits unread
 */
export function serveInside(
  channel: SealedStream,
  guard: PeerGuard,
  { maxConnections, idleMs }: InnerLimits,
  serve: (connection: Duplex) => () => Promise<void>,
  onArrived: () => void,
): InnerConnections {
  let carried: InnerConnections = {
    whenIdle: async () => {},
    end: () => void channel.end(),
    unread: () => 0,
  };
  channel.setTimeout(idleMs);
  const begin = (isSeveral: boolean | undefined): void => {
    if (channel.destroyed) return;
    if (isSeveral === undefined) {
      channel.end();
      return;
    }
    if (!isSeveral) {
      // A single connection is held back by its carrier, and holds little.
      carried = { ...carried, whenIdle: serve(channel) };
      return;
    }
    const open = new Map<MultiplexedStream, () => Promise<void>>();
    const multiplexer = Multiplexer.accept(channel, {
      maxStreams: maxConnections,
      opensPerSecond: OPENS_PER_SECOND,
      onStream: (stream) => {
        // Each has a rest of its own; the channel's begins when it carries none.
        if (open.size === 0) channel.setTimeout(0);
        guard.watch(stream);
        open.set(stream, serve(stream));
        stream.once('close', () => {
          open.delete(stream);
          if (open.size === 0) channel.setTimeout(idleMs);
        });
      },
    });
    carried = {
      whenIdle: async () => void (await Promise.all([...open.values()].map((whenIdle) => whenIdle()))),
      end: () => multiplexer.end(),
      unread: () => {
        let bytes = 0;
        for (const { readableLength } of open.keys())
          if (readableLength > 0) bytes += readableLength + HELD_BY_REQUEST;
        return bytes;
      },
    };
    let arrived = 0;
    channel.on('data', (chunk: Uint8Array) => {
      arrived += chunk.byteLength;
      if (arrived < LOOK_EVERY) return;
      arrived = 0;
      onArrived();
    });
  };
  guard.detach(channel, several(channel).then(begin));
  return { whenIdle: () => carried.whenIdle(), end: () => carried.end(), unread: () => carried.unread() };
}

/** Whether the channel carries several connections, by its first byte; undefined where it was over before that. */
function several(channel: SealedStream): Promise<boolean | undefined> {
  return new Promise((resolve) => {
    const settle = (isSeveral: boolean | undefined): void => {
      channel.off('readable', look);
      channel.off('end', gone);
      channel.off('close', gone);
      resolve(isSeveral);
    };
    const look = (): void => {
      const head: unknown = channel.read();
      if (!(head instanceof Uint8Array)) return;
      const isSeveral = head[0] === PREFACE;
      const rest = isSeveral ? head.subarray(1) : head;
      if (rest.byteLength > 0) channel.unshift(rest);
      settle(isSeveral);
    };
    const gone = (): void => settle(undefined);
    channel.on('readable', look);
    channel.on('end', gone);
    channel.on('close', gone);
  });
}
