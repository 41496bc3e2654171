import createClient, { type Client as OpenApiClient } from 'openapi-fetch';
import { ORIGIN } from './address.ts';
import type { paths } from './api.ts';
import type { Calls } from './calls.ts';
import { ensureOk, parseReply } from './reply.ts';
import type { BusEvent } from './stream-events.ts';
import { follow, type SubscribeOptions } from './subscription.ts';

/** Typed calls over a client: `api.GET('/api/v1/devices')` resolves with `{ data, error, response }`. */
export type ApiClient<Paths extends object> = OpenApiClient<Paths>;

/**
 * A client of one backend.
 *
 * @typeParam Paths the routes that `api` knows, as openapi-typescript generates them; by default those of the backend itself
 */
export interface Client<Paths extends object = paths> extends AsyncDisposable {
  /**
   * Calls whose paths, parameters, bodies and answers the compiler checks (openapi-fetch). For an error status, `error` is a
   * problem as defined by RFC 9457.
   *
   * @example const { data, error } = await client.api.GET('/api/v1/devices');
   */
  readonly api: ApiClient<Paths>;
  /**
   * `fetch` with a path in place of a URL. It resolves for every status; bodies stream in both directions; an aborted call
   * throws the reason of `init.signal`. A repeatable request (a safe method, or one with the header `Idempotency-Key`) is tried
   * once more if the connection breaks before an answer.
   *
   * @throws {TypeError} for a path without a leading slash, or an `init` that `fetch` would refuse
   * @throws {BackendNotRunningError} when no backend answers at the address
   * @throws {ReplyTimeoutError} when no answer begins in time
   * @throws {ConnectionBrokenError} when the connection breaks; the request may or may not have been executed
   * @throws {ChannelRefusedError} when the backend no longer accepts this device
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
   * Requests JSON and resolves with the parsed value; `undefined` if the answer has no body.
   *
   * @throws {ProblemError} for an error status
   * @throws {UnexpectedReplyError} when the answer is not JSON
   */
  json(path: string, init?: RequestInit): Promise<unknown>;
  /**
   * Follows topics of the bus until the loop is left. After a break it reconnects and resumes at the last event; `onGap`
   * reports lost events.
   *
   * @throws {ProblemError} when the device may not follow the topic
   * @throws {ClientClosedError} when the client is closed meanwhile
   * @example for await (const { topic, data } of client.subscribe('inbox.>')) console.log(topic, data);
   */
  subscribe(topic: string, options?: SubscribeOptions): AsyncGenerator<BusEvent, void, undefined>;
  /**
   * Follows another event stream of a backend, like {@link subscribe}: `/api/v1/logs/stream`.
   *
   * @example for await (const event of client.follow('/api/v1/logs/stream?level=warn')) console.log(loggedLineOf(event).message);
   */
  follow(path: string, options?: SubscribeOptions): AsyncGenerator<BusEvent, void, undefined>;
  /** Closes its connections; requests in flight and subscriptions fail with {@link ClientClosedError}. */
  close(): Promise<void>;
}

/** The parts of a client. */
interface ClientParts {
  /** `fetch` with a path in place of a URL. */
  readonly fetch: (path: string, init: RequestInit) => Promise<Response>;
  readonly calls: Calls;
  close(): Promise<void>;
}

export function clientOver<Paths extends object = paths>({
  fetch,
  calls,
  close,
}: ClientParts): Client<Paths> {
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
  let api: ApiClient<Paths> | undefined;
  return {
    // Made when it is first used, since it has Node.js load its `Request`, which takes 25 ms.
    get api() {
      api ??= createClient<Paths>({ baseUrl: ORIGIN, fetch: (asked) => fetchRequest(request, asked) });
      return api;
    },
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

/** Whether a request may be sent twice (RFC 9110, 9.2.1, or an idempotency key) and can be: a stream cannot be sent again. */
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

/** Converts a `Request` of the platform to a path and options. */
async function fetchRequest(fetch: Client['fetch'], asked: Request): Promise<Response> {
  const { pathname, search } = new URL(asked.url);
  const { method, headers, signal } = asked;
  const body = asked.body === null ? undefined : await asked.arrayBuffer();
  return fetch(pathname + search, { method, headers, signal, ...(body === undefined ? {} : { body }) });
}
