import { UnexpectedReplyError } from '../errors.ts';
import { ORIGIN } from './address.ts';
import { acceptedCodings, decoded } from './content-coding.ts';
import {
  type HttpRequest,
  type HttpResponse,
  httpRequest,
  type ResponseBody,
  targetOf,
} from './http-message.ts';

/** Sends one request and resolves with the head of its response. */
export type Transport = (request: HttpRequest) => Promise<HttpResponse>;

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const MAX_REDIRECTS = 20;
/** Statuses whose responses have no body in `fetch`. */
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

/**
 * `fetch` (https://fetch.spec.whatwg.org/) over a transport. Headers, redirects and content codings are handled here, so that
 * they are the same on every platform.
 *
 * @example
 * ```ts
 * const fetch = fetchOver((request) => exchange(connection, request));
 * const response = await fetch('/api/v1/notes', {});
 * ```
 */
export function fetchOver(transport: Transport): (path: string, init: RequestInit) => Promise<Response> {
  return async (path, init) => {
    let target = targetOf(path);
    let asked = init;
    for (let redirects = 0; ; redirects += 1) {
      const request = await httpRequest(target, asked);
      if (!request.headers.has('accept')) request.headers.set('accept', '*/*');
      if (!request.headers.has('accept-encoding')) request.headers.set('accept-encoding', acceptedCodings());
      const response = await transport(request);
      const location = response.headers.get('location');
      if (location === null || !REDIRECTS.has(response.status) || init.redirect === 'manual')
        return webResponse(response, target, redirects > 0, init.signal ?? undefined);
      response.body?.cancel(new Error('the response is a redirection'));
      if (init.redirect === 'error') throw new TypeError('the backend redirected the request');
      if (redirects === MAX_REDIRECTS) throw new TypeError(`more than ${MAX_REDIRECTS} redirections`);
      target = targetOf(location, `${ORIGIN}${target}`);
      asked = redirected(asked, request, response.status);
    }
  };
}

/** The request that follows a redirect: section 4.4, "HTTP-redirect fetch". */
function redirected(init: RequestInit, { method, body }: HttpRequest, status: number): RequestInit {
  const becomesGet =
    status === 303 ? method !== 'GET' && method !== 'HEAD' : status <= 302 && method === 'POST';
  if (!becomesGet) {
    if (
      init.body instanceof ReadableStream ||
      (body instanceof ReadableStream && !(init.body instanceof Blob))
    )
      throw new TypeError('the backend redirected a request whose body is a stream and has been sent');
    return init;
  }
  const headers = new Headers(init.headers);
  for (const name of ['content-encoding', 'content-language', 'content-location', 'content-type'])
    headers.delete(name);
  return { ...init, method: 'GET', headers, body: null };
}

function webResponse(
  { status, statusText, headers, body }: HttpResponse,
  target: string,
  redirected: boolean,
  signal: AbortSignal | undefined,
): Response {
  if (status < 200 || status > 599) {
    body?.cancel(new Error('the status is not one of a response'));
    throw new UnexpectedReplyError(status, 'which is not the status of a response');
  }
  if (WITHOUT_BODY.has(status)) body?.cancel(new Error('a response of this status has no body'));
  const isEmpty = body === undefined || WITHOUT_BODY.has(status);
  const response = new Response(isEmpty ? null : contentOf(body, status, headers, signal), {
    status,
    statusText,
    headers,
  });
  // The constructor leaves these properties empty.
  Object.defineProperty(response, 'url', { value: `${ORIGIN}${target}` });
  Object.defineProperty(response, 'redirected', { value: redirected });
  return response;
}

/** The decoded body. As in `fetch`, it fails with the reason of the signal, or else with a TypeError. */
function contentOf(
  body: ResponseBody,
  status: number,
  headers: Headers,
  signal: AbortSignal | undefined,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const encoding = headers.get('content-encoding');
  const raw = streamOf(body, (error) =>
    signal?.aborted ? signal.reason : new TypeError('the response broke off', { cause: error }),
  );
  const content = decoded(raw, encoding);
  if (content === raw) return raw;
  const reader = content.getReader();
  return streamOf(
    { next: () => reader.read(), cancel: (reason) => void reader.cancel(reason).catch(() => undefined) },
    (error) => {
      if (signal?.aborted) return signal.reason;
      if (error instanceof TypeError && error.cause !== undefined) return error;
      const cause = new UnexpectedReplyError(status, `and its body is not encoded as ${encoding}`, error);
      return new TypeError('the response cannot be decoded', { cause });
    },
  );
}

/** Bytes of a body that are read ahead, so that a small unread body does not occupy a connection. */
const READ_AHEAD = 65_536;

function streamOf(
  body: ResponseBody,
  failed: (error: unknown) => unknown,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      async pull(controller) {
        try {
          const part = await body.next();
          // Web streams are typed for unshared memory, which these bytes are in.
          if (part.done !== true) controller.enqueue(part.value as Uint8Array<ArrayBuffer>);
          else controller.close();
        } catch (error) {
          controller.error(failed(error));
        }
      },
      cancel: (reason) => body.cancel(reason),
    },
    new ByteLengthQueuingStrategy({ highWaterMark: READ_AHEAD }),
  );
}
