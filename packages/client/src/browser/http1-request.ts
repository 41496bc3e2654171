import type { HttpRequest } from '../core/http-message.ts';

/** The head of a request: RFC 9112, sections 3 to 6. A stream is sent with chunked encoding. */
export function requestHead({ method, target, headers, body }: HttpRequest): Uint8Array {
  const framed = new Headers(headers);
  if (body instanceof ReadableStream) framed.set('transfer-encoding', 'chunked');
  else if (body !== undefined || ['POST', 'PUT', 'PATCH'].includes(method))
    framed.set('content-length', `${body?.byteLength ?? 0}`);
  const lines = [...framed].map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const text = `${method} ${target} HTTP/1.1\r\nhost: aico.local\r\n${lines}\r\n`;
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** One chunk of a body (RFC 9112, section 7.1). An empty chunk would end the body. */
export function chunk(part: Uint8Array): Uint8Array {
  const size = `${part.byteLength.toString(16)}\r\n`;
  const framed = new Uint8Array(size.length + part.byteLength + 2);
  for (let index = 0; index < size.length; index += 1) framed[index] = size.charCodeAt(index);
  framed.set(part, size.length);
  framed.set([13, 10], size.length + part.byteLength);
  return framed;
}

export const LAST_CHUNK = Uint8Array.of(48, 13, 10, 13, 10);
