/** What a request is on the wire: RFC 9112, 3 to 7. */
export interface RequestParts {
  readonly head: Uint8Array;
  /** Whole, as a stream, or none. */
  readonly body: Uint8Array | ReadableStream<Uint8Array> | undefined;
}

/** Set by this client alone. */
const FRAMING: readonly string[] = [
  'connection',
  'content-length',
  'host',
  'transfer-encoding',
  'upgrade',
  'expect',
];
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** One blank, or a control character, would be the beginning of something else. */
const NO_TARGET = /[^\x21-\x7e]/;

/**
 * @throws {TypeError} as `fetch` does, for what cannot be asked
 */
export async function requestParts(path: string, init: RequestInit, method: string): Promise<RequestParts> {
  const target = new URL(path, 'http://aico.local');
  const where = `${target.pathname}${target.search}`;
  if (target.host !== 'aico.local' || NO_TARGET.test(where))
    throw new TypeError(`no path of the backend: "${path}"`);
  if (!TOKEN.test(method)) throw new TypeError(`"${method}" is no method`);
  const headers = new Headers(init.headers);
  for (const name of FRAMING) headers.delete(name);
  const body = await bodyOf(init.body ?? null, headers);
  if (body !== undefined && (method === 'GET' || method === 'HEAD'))
    throw new TypeError(`${method} has no body`);
  if (body instanceof ReadableStream) headers.set('transfer-encoding', 'chunked');
  else if (body !== undefined || ['POST', 'PUT', 'PATCH'].includes(method))
    headers.set('content-length', `${body?.byteLength ?? 0}`);
  const lines = [...headers].map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const text = `${method} ${where} HTTP/1.1\r\nhost: aico.local\r\n${lines}\r\n`;
  return { head: Uint8Array.from(text, (character) => character.charCodeAt(0)), body };
}

async function bodyOf(
  body: NonNullable<RequestInit['body']> | null,
  headers: Headers,
): Promise<Uint8Array | ReadableStream<Uint8Array> | undefined> {
  if (body === null) return undefined;
  if (body instanceof ReadableStream) return body as ReadableStream<Uint8Array>;
  // The platform knows how a form, a blob or a string is written, and what type it is of.
  const written = new Response(body);
  const type = written.headers.get('content-type');
  if (type !== null && !headers.has('content-type')) headers.set('content-type', type);
  return new Uint8Array(await written.arrayBuffer());
}

/** One part of a body that is sent in chunks; an empty one would end it. */
export function chunk(part: Uint8Array): Uint8Array {
  const size = `${part.byteLength.toString(16)}\r\n`;
  const framed = new Uint8Array(size.length + part.byteLength + 2);
  for (let index = 0; index < size.length; index += 1) framed[index] = size.charCodeAt(index);
  framed.set(part, size.length);
  framed.set([13, 10], size.length + part.byteLength);
  return framed;
}

export const LAST_CHUNK = Uint8Array.of(48, 13, 10, 13, 10);
