import { ORIGIN } from './address.ts';

/** A request as a transport sends it. */
export interface HttpRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  /** Without the headers that frame the message, which the transport writes. */
  readonly headers: Headers;
  readonly body: Uint8Array | ReadableStream<Uint8Array> | undefined;
  readonly signal: AbortSignal | undefined;
}

/** The head of a response, and its body as it was sent, still encoded. */
export interface HttpResponse {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Headers;
  /** Undefined if the response has no body. */
  readonly body: ResponseBody | undefined;
}

export interface ResponseBody {
  /** Resolves with the next part. Rejects when the body breaks off. */
  next(): Promise<IteratorResult<Uint8Array, unknown>>;
  /** Ends the body early, even while a part is awaited. */
  cancel(reason: unknown): void;
}

/** Headers that belong to the connection (RFC 9112); a caller cannot set them. */
const FRAMING: readonly string[] = [
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
];
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Any character but visible ASCII would end the request target. */
const NOT_IN_TARGET = /[^\x21-\x7e]/;

/** Methods that `fetch` converts to upper case; others are unchanged. */
const NORMALIZED = /^(?:delete|get|head|options|post|put)$/i;

/**
 * Creates a request from the arguments of `fetch`.
 *
 * @throws {TypeError} as `fetch` does, for an invalid request
 */
export async function httpRequest(path: string, init: RequestInit): Promise<HttpRequest> {
  const target = targetOf(path);
  const given = init.method ?? 'GET';
  const method = NORMALIZED.test(given) ? given.toUpperCase() : given;
  if (!TOKEN.test(method)) throw new TypeError(`"${method}" is not a method`);
  const headers = new Headers(init.headers);
  for (const name of FRAMING) headers.delete(name);
  const body = await bodyOf(init.body ?? null, headers);
  if (body !== undefined && (method === 'GET' || method === 'HEAD'))
    throw new TypeError(`a request of the method ${method} has no body`);
  return { method, target, headers, body, signal: init.signal ?? undefined };
}

/** @throws {TypeError} for a URL of another origin */
export function targetOf(path: string, base: string = ORIGIN): string {
  const url = new URL(path, base);
  const target = `${url.pathname}${url.search}`;
  if (url.origin !== ORIGIN || NOT_IN_TARGET.test(target))
    throw new TypeError(`not a path of the backend: "${path}"`);
  return target;
}

async function bodyOf(
  body: NonNullable<RequestInit['body']> | null,
  headers: Headers,
): Promise<HttpRequest['body']> {
  if (body === null) return undefined;
  if (body instanceof ReadableStream) return body as ReadableStream<Uint8Array>;
  // Node's own `fetch` accepts these as well.
  if (typeof body === 'object' && Symbol.asyncIterator in body)
    return ReadableStream.from(body as AsyncIterable<Uint8Array>);
  // The platform serialises a form, a blob or a string, and knows its content type.
  const written = new Response(body);
  const type = written.headers.get('content-type');
  if (type !== null && !headers.has('content-type')) headers.set('content-type', type);
  if (body instanceof Blob) return body.stream() as ReadableStream<Uint8Array>;
  return new Uint8Array(await written.arrayBuffer());
}
