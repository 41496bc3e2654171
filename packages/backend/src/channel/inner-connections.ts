import type { Duplex } from 'node:stream';
import { type MultiplexedStream, Multiplexer, PREFACE, type SealedStream } from '@aico/protocol/carrier';
import type { WaitingBytes } from '../core/gateway.ts';
import type { PeerGuard } from '../core/peer-guard.ts';
import { CHECK_EVERY_BYTES } from './waiting-bytes.ts';

interface InnerLimits {
  /** The most concurrent HTTP connections in one channel. */
  readonly maxConnections: number;
  /** Milliseconds that a channel may be idle. */
  readonly idleMs: number;
}

/** Connections that one channel may open per second. */
const OPENS_PER_SECOND = 200;

/** Serves the connections in channels. */
interface ConnectionServer {
  /** Serves a connection in place of a socket. The returned function resolves when no request is in flight. */
  readonly serve: (connection: Duplex) => () => Promise<void>;
  /** The bytes of a connection that are buffered in memory. */
  readonly waitingOn: (connection: Duplex) => WaitingBytes;
}

/** The connections that a channel carries. */
export interface InnerConnections {
  /** Resolves when nothing is in flight. */
  whenIdle(): Promise<void>;
  /** Ends all of its connections, and the channel. */
  end(): void;
  /** The bytes buffered in memory by all of its connections. */
  waiting(): WaitingBytes;
}

/**
 * Serves the connections inside a channel: one of HTTP, or several if the first byte says so.
 *
 * @param onArrived called at intervals while bytes arrive, to check the buffered bytes
 */
export function serveInside(
  channel: SealedStream,
  guard: PeerGuard,
  { maxConnections, idleMs }: InnerLimits,
  { serve, waitingOn }: ConnectionServer,
  onArrived: () => void,
): InnerConnections {
  let carried: InnerConnections = {
    whenIdle: async () => {},
    end: () => void channel.end(),
    waiting: () => ({ unread: 0, unsent: 0 }),
  };
  channel.setTimeout(idleMs);
  const begin = (isSeveral: boolean | undefined): void => {
    if (channel.destroyed) return;
    if (isSeveral === undefined) {
      channel.end();
      return;
    }
    if (!isSeveral) {
      carried = { ...carried, whenIdle: serve(channel), waiting: () => waitingOn(channel) };
      return;
    }
    const open = new Map<MultiplexedStream, () => Promise<void>>();
    const multiplexer = Multiplexer.accept(channel, {
      maxStreams: maxConnections,
      opensPerSecond: OPENS_PER_SECOND,
      onStream: (stream) => {
        // Each connection has an idle timeout of its own; that of the channel applies while it carries none.
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
      waiting: () => {
        const sum = { unread: 0, unsent: 0 };
        for (const stream of open.keys()) {
          const { unread, unsent } = waitingOn(stream);
          sum.unread += unread;
          sum.unsent += unsent;
        }
        return sum;
      },
    };
    let arrived = 0;
    channel.on('data', (chunk: Uint8Array) => {
      arrived += chunk.byteLength;
      if (arrived < CHECK_EVERY_BYTES) return;
      arrived = 0;
      onArrived();
    });
  };
  guard.detach(channel, several(channel).then(begin));
  return { whenIdle: () => carried.whenIdle(), end: () => carried.end(), waiting: () => carried.waiting() };
}

/** Whether the channel carries several connections, by its first byte; undefined if it ended before. */
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
