/** `@aico/client/page`: a client for a page that `aico ui` serves beside the API. */
import { Calls } from './core/calls.ts';
import { type Client, clientOver } from './core/client.ts';
import { BackendNotRunningError } from './errors.ts';

export { type Asked, ask, checkReply, type PathOf, type ReplyOf } from './core/ask.ts';
export type { Client } from './core/client.ts';
export { type LoggedLine, loggedLineOf } from './core/logged-line.ts';
export { ensureOk } from './core/reply.ts';
export type { BusEvent } from './core/stream-events.ts';
export { BackendNotRunningError, ProblemError } from './errors.ts';

interface PageClientOptions {
  /** The token that each request carries. */
  readonly token: string;
}

/**
 * Connects to the API at the origin of the page, by the `fetch` of the browser, which needs no channel.
 *
 * @example const client = connectPage({ token });
 */
export function connectPage({ token }: PageClientOptions): Client {
  return clientOver({
    fetch: (path, init) => {
      const headers = new Headers(init.headers);
      headers.set('authorization', `Bearer ${token}`);
      return fetch(path, {
        ...init,
        headers,
        cache: 'no-store',
        credentials: 'omit',
        mode: 'same-origin',
        redirect: 'error',
        referrerPolicy: 'no-referrer',
      });
    },
    // `fetch` rejects with a TypeError where there is no server, and does not say more.
    calls: new Calls((error) =>
      error instanceof TypeError ? new BackendNotRunningError('the address of this page', error) : error,
    ),
    close: async () => {},
  });
}
