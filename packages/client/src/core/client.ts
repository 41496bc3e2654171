import createClient, { type Client as OpenApiClient } from 'openapi-fetch';
import type { paths } from './api.ts';
import type { Calls } from './calls.ts';
import { fetchOver, type Transport } from './http-fetch.ts';
import { ORIGIN } from './http-message.ts';
import { ensureOk, parseReply } from './reply.ts';
import type { BusEvent } from './stream-events.ts';
import { follow, type SubscribeOptions } from './subscription.ts';

/** Typed calls over a client: `api.GET('/api/v1/devices')` gives `{ data, error, response }`. */
export type ApiClient<Paths extends object> = OpenApiClient<Paths>;

/**
 * A client of one backend.
 *
 * @typeParam Paths the routes that `api` knows, as openapi-typescript writes them; those of the backend itself unless told
 */
export interface Client<Paths extends object = paths> extends AsyncDisposable {
  /**
   * Calls whose paths, parameters, bodies and answers the compiler checks (openapi-fetch). A refusal is `error`, a problem as
   * RFC 9457 has it.
   *
   * @example const { data, error } = await client.api.GET('/api/v1/devices');
   */
  readonly api: ApiClient<Paths>;
  /**
   * `fetch` with a path for an address. Answers of every status are answers; bodies stream both ways; what an
   * `init.signal` is aborted with is thrown as it is. What may be done twice without harm (a safe method, or a header
   * `Idempotency-Key`) is tried once more where the connection breaks before an answer.
   *
   * @throws {TypeError} for a path without its slash, or an `init` that `fetch` would refuse
   * @throws {BackendNotRunningError} when no backend answers at the address
   * @throws {ReplyTimeoutError} when no answer begins in time
   * @throws {ConnectionBrokenError} when the connection breaks; the request may or may not have been done
   * @throws {ChannelRefusedError} when the backend does not take this device any more
   * @throws {ChannelServerKeyChangedError} when another server answers at the address
   * @example
   * const response = await client.fetch('/api/v1/notes', {
   *   method: 'POST',
   *   headers: { 'Content-Type': 'application/json' },
   *   body: JSON.stringify(note),
   * });
   */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /**
   * Asks for JSON and gives it; `undefined` where the answer has no body.
   *
   * @throws {ProblemError} when the backend refuses
   * @throws {UnexpectedReplyError} when the answer is no JSON
   */
  json(path: string, init?: RequestInit): Promise<unknown>;
  /**
   * Follows topics of the bus until the loop is left. After a break it connects again by itself and goes on where it was;
   * what could not be kept meanwhile is told by `onGap`.
   *
   * @throws {ProblemError} when the device may not follow the topic
   * @throws {ClientClosedError} when the client is closed meanwhile
   * @example for await (const { topic, data } of client.subscribe('inbox.>')) console.log(topic, data);
   */
  subscribe(topic: string, options?: SubscribeOptions): AsyncGenerator<BusEvent, void, undefined>;
  /**
   * Follows another stream of a backend in the way of {@link subscribe}: `/api/v1/logs/stream`.
   *
   * @example for await (const event of client.follow('/api/v1/logs/stream?level=warn')) console.log(loggedLineOf(event).message);
   */
  follow(path: string, options?: SubscribeOptions): AsyncGenerator<BusEvent, void, undefined>;
  /** Closes its connections; requests in flight and subscriptions fail with {@link ClientClosedError}. */
  close(): Promise<void>;
}

/** The parts of a client. */
export interface ClientParts {
  readonly transport: Transport;
  readonly calls: Calls;
  close(): Promise<void>;
}

export function clientOver<Paths extends object = paths>({
  transport,
  calls,
  close,
}: ClientParts): Client<Paths> {
  const fetch = fetchOver(transport);
  const request = async (path: string, init: RequestInit = {}): Promise<Response> => {
    if (!path.startsWith('/')) throw new TypeError(`a path begins with a slash: "${path}"`);
    return calls.run({ signal: init.signal, isRepeatable: isRepeatable(init) }, () => fetch(path, init));
  };
  const closeOnce = async (): Promise<void> => {
    calls.close();
    await close();
  };
  const followed: Client['follow'] = (path, options = {}) =>
    follow({ fetch: request, explain: (error) => calls.explain(error) }, path, {
      ...options,
      signal: AbortSignal.any([calls.closed, ...(options.signal === undefined ? [] : [options.signal])]),
    });
  return {
    api: createClient<Paths>({ baseUrl: ORIGIN, fetch: (asked) => fetchRequest(request, asked) }),
    fetch: request,
    async json(path, init = {}) {
      const response = await request(path, init);
      await ensureOk(response);
      const text = await calls.run({ signal: init.signal, isRepeatable: false }, () => response.text());
      return parseReply(text, response.status);
    },
    subscribe: (topic, options) => followed(`/api/v1/events?topic=${encodeURIComponent(topic)}`, options),
    follow: followed,
    close: closeOnce,
    [Symbol.asyncDispose]: closeOnce,
  };
}

/** Whether it may be sent twice (RFC 9110, 9.2.1, or an idempotency key) and can be: a stream is gone once sent. */
function isRepeatable({ method = 'GET', headers, body }: RequestInit): boolean {
  if (
    body instanceof ReadableStream ||
    (typeof body === 'object' && body !== null && Symbol.asyncIterator in body)
  )
    return false;
  return (
    ['GET', 'HEAD', 'OPTIONS'].includes(method.toUpperCase()) || new Headers(headers).has('idempotency-key')
  );
}

/** A request of the platform's own kind, as a path and what goes with it. */
async function fetchRequest(fetch: Client['fetch'], asked: Request): Promise<Response> {
  const { pathname, search } = new URL(asked.url);
  const { method, headers, signal } = asked;
  const body = asked.body === null ? undefined : await asked.arrayBuffer();
  return fetch(pathname + search, { method, headers, signal, ...(body === undefined ? {} : { body }) });
}
