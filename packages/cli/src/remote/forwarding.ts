import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { NodeClient } from '@aico/client';
import { AicoError, PROBLEM_MEDIA_TYPE, type Problem } from '@aico/protocol';

/** Headers of one connection, not of the message (RFC 9110, section 7.6.1). */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'expect',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** How requests are forwarded. */
interface Forwarding {
  readonly client: NodeClient;
  /** Whether a header of the request is forwarded; those of the connection never are. The name is in lower case. */
  readonly isForwarded: (name: string) => boolean;
  /** Whether a header of the response is returned. Default: all except those of the connection. */
  readonly isReturned?: (name: string) => boolean;
  /** Headers to add to the response. Default none. */
  readonly addedHeaders?: Readonly<Record<string, string>>;
}

/** Forwards a request to the backend and its response back, byte for byte, streaming bodies both ways. */
export async function forward(
  { client, isForwarded, isReturned = () => true, addedHeaders = {} }: Forwarding,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const { method = 'GET', url = '/', headers, rawHeaders } = request;
  const hasBody = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
  try {
    const reply = await client.forward({
      method,
      target: url,
      headers: [...endToEnd(rawHeaders, isForwarded), 'Via', `${request.httpVersion} aico`],
      signal: gone.signal,
      body: hasBody ? request : undefined,
    });
    const own = endToEnd(reply.headers, isReturned);
    response.writeHead(reply.status, reply.statusText, [...own, ...Object.entries(addedHeaders).flat()]);
    // The body is passed on as it arrives, since an event stream has no end.
    response.flushHeaders();
    await pipeline(reply.body, response);
  } catch (error) {
    if (response.headersSent || gone.signal.aborted) response.destroy();
    else answer(response, unreachable(error), addedHeaders);
  }
}

/** The headers that a proxy forwards: all except those of the connection, which the header `connection` may extend. */
function endToEnd(raw: readonly string[], isForwarded: (name: string) => boolean): string[] {
  const pairs = raw.flatMap((name, index): [string, string][] =>
    index % 2 === 0 ? [[name, raw[index + 1] ?? '']] : [],
  );
  const named = new Set(
    pairs
      .filter(([name]) => name.toLowerCase() === 'connection')
      .flatMap(([, value]) => value.split(',').map((option) => option.trim().toLowerCase())),
  );
  return pairs
    .filter(([name]) => {
      const lower = name.toLowerCase();
      return !HOP_BY_HOP.has(lower) && isForwarded(lower) && !named.has(lower);
    })
    .flat();
}

function unreachable(error: unknown): Problem {
  const { code, hint, message } =
    error instanceof AicoError ? error : (new Error(String(error)) as Partial<AicoError> & Error);
  return {
    type: 'about:blank',
    title: 'Bad Gateway',
    status: 502,
    detail: message,
    ...(code === undefined ? {} : { code }),
    ...(hint === undefined ? {} : { hint }),
  };
}

/** Compares secrets in a time that does not depend on them. */
export function isSame(one: string, other: string): boolean {
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(one), hash(other));
}

/** Answers with a problem (RFC 9457) and closes the connection. */
export function answer(
  response: ServerResponse,
  problem: Problem,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(problem.status, {
    ...headers,
    'content-type': PROBLEM_MEDIA_TYPE,
    connection: 'close',
    ...(problem.status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
  });
  response.end(JSON.stringify(problem));
}
