import { ConnectionBrokenError, UnexpectedReplyError } from '../errors.ts';

/** The source from which an HTTP/1.1 answer is read. */
export interface ByteSource {
  /** Resolves with the next bytes, or `undefined` at the end. */
  read(): Promise<Uint8Array | undefined>;
  /** Puts back bytes; the next read returns them first. */
  unread(bytes: Uint8Array): void;
}

/** The head of an answer: RFC 9112, 4 and 5. */
interface ResponseHead {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Headers;
}

const MAX_HEAD = 65_536;
const MAX_CHUNK_LINE = 256;
const STATUS_LINE = /^HTTP\/1\.1 ([1-5]\d\d)(?: (.*))?$/;
const CHUNK_SIZE = /^([0-9a-f]{1,8})(?:[ \t]*;.*)?$/i;
const CR = 13;
const LF = 10;

/**
 * Reads the head of the final answer and skips informational ones (1xx).
 *
 * @throws {UnexpectedReplyError} for a response that is not HTTP/1.1
 * @throws {ConnectionBrokenError} when the bytes end in the middle of it
 */
export async function readHead(source: ByteSource): Promise<ResponseHead> {
  for (;;) {
    const head = parseHead(await readUntilBlankLine(source));
    if (head.status >= 200) return head;
  }
}

/** The body in parts, framed as RFC 9112, 6.3 defines. `isLast` determines whether another message can follow. */
export function readBody(
  source: ByteSource,
  { status, headers }: ResponseHead,
  method: string,
): AsyncGenerator<Uint8Array, void, undefined> | undefined {
  if (method === 'HEAD' || status === 204 || status === 304) return undefined;
  if (headers.get('transfer-encoding')?.toLowerCase() === 'chunked') return readChunks(source);
  const length = headers.get('content-length');
  if (length === null) return readToEnd(source);
  if (!/^\d{1,15}$/.test(length)) throw new UnexpectedReplyError(status, 'and with no length that can be');
  return length === '0' ? undefined : readExactly(source, Number(length));
}

/** Whether the connection can be used again after the body has been read. */
export function staysOpen({ headers, status }: ResponseHead, method: string): boolean {
  if (headers.get('connection')?.toLowerCase() === 'close') return false;
  const isFramed = headers.has('content-length') || headers.has('transfer-encoding');
  return isFramed || method === 'HEAD' || status === 204 || status === 304;
}

function parseHead(text: string): ResponseHead {
  const [first = '', ...lines] = text.split('\r\n');
  const [, code, statusText = ''] = STATUS_LINE.exec(first) ?? [];
  if (code === undefined) throw new UnexpectedReplyError(0, 'in no HTTP/1.1');
  const status = Number(code);
  const headers = new Headers();
  for (const line of lines) {
    const colon = line.indexOf(':');
    try {
      headers.append(line.slice(0, Math.max(0, colon)), line.slice(colon + 1).trim());
    } catch (error) {
      throw new UnexpectedReplyError(status, 'and with a header that is none', error);
    }
  }
  return { status, statusText, headers };
}

/** Reads Latin-1 text, as headers are, without the blank line. */
async function readUntilBlankLine(source: ByteSource): Promise<string> {
  let text = '';
  for (;;) {
    const chunk = await some(source);
    const before = text.length;
    text += latin1(chunk);
    const end = text.indexOf('\r\n\r\n', Math.max(0, before - 3));
    if ((end < 0 ? text.length : end) > MAX_HEAD)
      throw new UnexpectedReplyError(0, `with more than ${MAX_HEAD} bytes of headers`);
    if (end >= 0) {
      const rest = chunk.subarray(end + 4 - before);
      if (rest.byteLength > 0) source.unread(rest);
      return text.slice(0, end);
    }
    if (text.length > MAX_HEAD)
      throw new UnexpectedReplyError(0, `with more than ${MAX_HEAD} bytes of headers`);
  }
}

async function* readExactly(source: ByteSource, length: number): AsyncGenerator<Uint8Array, void, undefined> {
  let left = length;
  while (left > 0) {
    const chunk = await some(source);
    const part = chunk.subarray(0, left);
    if (part.byteLength < chunk.byteLength) source.unread(chunk.subarray(part.byteLength));
    left -= part.byteLength;
    yield part;
  }
}

/** RFC 9112, 7.1; trailers are skipped. */
async function* readChunks(source: ByteSource): AsyncGenerator<Uint8Array, void, undefined> {
  for (;;) {
    const [, digits] = CHUNK_SIZE.exec(await readLine(source)) ?? [];
    if (digits === undefined) throw new UnexpectedReplyError(0, 'with a chunk whose size is none');
    const size = Number.parseInt(digits, 16);
    if (size === 0) break;
    yield* readExactly(source, size);
    if ((await readLine(source)) !== '') throw new UnexpectedReplyError(0, 'with a chunk that does not end');
  }
  while ((await readLine(source)) !== '');
}

async function* readToEnd(source: ByteSource): AsyncGenerator<Uint8Array, void, undefined> {
  for (;;) {
    const chunk = await source.read();
    if (chunk === undefined) return;
    yield chunk;
  }
}

async function readLine(source: ByteSource): Promise<string> {
  let line = '';
  for (;;) {
    const chunk = await some(source);
    const end = chunk.indexOf(LF);
    line += latin1(end < 0 ? chunk : chunk.subarray(0, end));
    if (line.length > MAX_CHUNK_LINE) throw new UnexpectedReplyError(0, 'with a line that does not end');
    if (end < 0) continue;
    if (end + 1 < chunk.byteLength) source.unread(chunk.subarray(end + 1));
    if (line.charCodeAt(line.length - 1) !== CR) throw new UnexpectedReplyError(0, 'in no HTTP/1.1');
    return line.slice(0, -1);
  }
}

async function some(source: ByteSource): Promise<Uint8Array> {
  for (;;) {
    const chunk = await source.read();
    if (chunk === undefined) throw new ConnectionBrokenError(new Error('the answer was cut'));
    if (chunk.byteLength > 0) return chunk;
  }
}

function latin1(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
