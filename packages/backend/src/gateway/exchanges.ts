import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WaitingBytes } from '../core/gateway.ts';

/** The most pending answers of one connection. Clients that pipeline send two or three requests. */
const MAX_EARLIER = 16;

interface Latest {
  response: ServerResponse;
  isLast: boolean;
  /** Earlier answers that are still pending; most connections never have any. */
  earlier: Set<ServerResponse> | undefined;
}

/**
 * The latest answer of each connection. HTTP lets a client send its next request before the last one is answered (pipelining),
 * so this answer determines whether a connection can be taken over, or written to without a request.
 */
export class Exchanges {
  /** Keyed by connection: an entry per request would survive every young-generation collection. */
  readonly #latest = new WeakMap<Duplex, Latest>();

  /**
   * Notes a request that is about to be answered.
   * @returns whether it is the first on its connection
   */
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

  /** Whether too many answers are pending to begin the next request: each holds memory, and part of its body. */
  isFull(connection: Duplex): boolean {
    const latest = this.#latest.get(connection);
    return latest?.earlier !== undefined && latest.earlier.size >= MAX_EARLIER;
  }

  /** The bytes of a connection that are buffered. */
  waiting(connection: Duplex): WaitingBytes {
    const latest = this.#latest.get(connection);
    if (latest === undefined) return waitingIn(connection, []);
    return waitingIn(connection, [latest.response, ...(latest.earlier ?? [])]);
  }

  /** Notes that the answer has `Connection: close`: RFC 9112, 9.6 forbids processing later requests on the connection. */
  endAfter(connection: Duplex, response: ServerResponse): void {
    this.begin(connection, response);
    const latest = this.#latest.get(connection);
    if (latest !== undefined) latest.isLast = true;
  }

  /** Whether the last answer of the connection has been sent. */
  isOver(connection: Duplex): boolean {
    return this.#latest.get(connection)?.isLast === true;
  }

  /** Whether an answer is still to be written, completely or partly. */
  isAnswering(connection: Duplex): boolean {
    return this.#latest.get(connection)?.response.closed === false;
  }
}

/** @param responses the unfinished answers of the connection */
export function waitingIn(connection: Duplex, responses: Iterable<ServerResponse>): WaitingBytes {
  let unread = connection.readableLength;
  let unsent = connection.writableLength;
  for (const { req, socket, writableLength } of responses) {
    unread += req.readableLength;
    // The current answer includes the bytes that its connection buffers.
    unsent += writableLength - (socket?.writableLength ?? 0);
  }
  return { unread, unsent };
}
