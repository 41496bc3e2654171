import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

interface Latest {
  response: ServerResponse;
  isLast: boolean;
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
    if (latest !== undefined) latest.response = response;
    else this.#latest.set(connection, { response, isLast: false });
    return latest === undefined;
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
