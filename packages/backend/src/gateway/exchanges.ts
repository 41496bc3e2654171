import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WaitingBytes } from '../core/gateway.ts';

/** Answers of one connection that may be owed before the latest. Clients that pipeline at all send two or three. */
const MAX_EARLIER = 16;

interface Latest {
  response: ServerResponse;
  isLast: boolean;
  /** Answers before it that are still owed; most connections never have any. */
  earlier: Set<ServerResponse> | undefined;
}

/**
 * The latest answer of each connection. HTTP lets a client send its next request before the last one is answered
 * (pipelining), so whether a connection can be taken over, or spoken to without a request, depends on that answer.
 */
export class Exchanges {
  /** Keyed by connection: an entry per request would outlive every young collection. */
  readonly #latest = new WeakMap<Duplex, Latest>();

  /** Notes a request that is about to be answered. @returns whether it is the first on its connection */
  begin(connection: Duplex, response: ServerResponse): boolean {
    const latest = this.#latest.get(connection);
    if (latest === undefined) {
      this.#latest.set(connection, { response, isLast: false, earlier: undefined });
      return true;
    }
    const before = latest.response;
    if (before !== response && !before.closed) {
      const earlier = latest.earlier ?? new Set();
      latest.earlier = earlier;
      earlier.add(before);
      before.once('close', () => earlier.delete(before));
    }
    latest.response = response;
    return false;
  }

  /** Whether so many answers are owed that the next request is not begun: each holds memory, and part of its body. */
  isFull(connection: Duplex): boolean {
    const latest = this.#latest.get(connection);
    return latest?.earlier !== undefined && latest.earlier.size >= MAX_EARLIER;
  }

  /** Bytes that wait on a connection. */
  waiting(connection: Duplex): WaitingBytes {
    const latest = this.#latest.get(connection);
    if (latest === undefined) return waitingIn(connection, []);
    return waitingIn(connection, [latest.response, ...(latest.earlier ?? [])]);
  }

  /** Notes that the answer says `Connection: close`: RFC 9112, 9.6 forbids to process what follows on the connection. */
  endAfter(connection: Duplex, response: ServerResponse): void {
    this.begin(connection, response);
    const latest = this.#latest.get(connection);
    if (latest !== undefined) latest.isLast = true;
  }

  /** Whether the connection has been answered for the last time. */
  isOver(connection: Duplex): boolean {
    return this.#latest.get(connection)?.isLast === true;
  }

  /** Whether an answer is still to be written, in whole or in part. */
  isAnswering(connection: Duplex): boolean {
    return this.#latest.get(connection)?.response.closed === false;
  }
}

/** @param responses the answers of the connection that are not over */
export function waitingIn(connection: Duplex, responses: Iterable<ServerResponse>): WaitingBytes {
  let unread = connection.readableLength;
  let unsent = connection.writableLength;
  for (const { req, socket, writableLength } of responses) {
    unread += req.readableLength;
    // The answer whose turn it is counts what its connection holds as well.
    unsent += writableLength - (socket?.writableLength ?? 0);
  }
  return { unread, unsent };
}
