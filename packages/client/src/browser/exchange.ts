import type { HttpRequest, HttpResponse } from '../core/http-message.ts';
import { ReplyTimeoutError } from '../errors.ts';
import type { ByteConnection } from './byte-connection.ts';
import { chunk, LAST_CHUNK, requestHead } from './http1-request.ts';
import { readBody, readHead, staysOpen } from './http1-response.ts';

interface ExchangeOptions {
  /** Milliseconds until the response must begin. */
  readonly timeoutMs: number;
  /** Returns the connection; `isFree`: whether it can be used for another request. */
  readonly release: (isFree: boolean) => void;
}

/** Sends one request on a connection and reads its response, whose body is a stream. Any failure aborts the connection. */
export async function exchange(
  connection: ByteConnection,
  request: HttpRequest,
  { timeoutMs, release }: ExchangeOptions,
): Promise<HttpResponse> {
  const { method, signal } = request;
  const source = request.body instanceof ReadableStream ? request.body.getReader() : request.body;
  let isOver = false;
  const finish = (isFree: boolean): void => {
    if (isOver) return;
    isOver = true;
    clearTimeout(late);
    signal?.removeEventListener('abort', abort);
    // The rest of the upload is no longer needed.
    if (!isFree && source instanceof ReadableStreamDefaultReader) source.cancel().catch(() => {});
    release(isFree);
  };
  const cut = (error: unknown): void => {
    connection.fail(error instanceof Error ? error : new Error(String(error)));
    finish(false);
  };
  const abort = (): void => cut(signal?.reason);
  const late = setTimeout(() => cut(new ReplyTimeoutError(timeoutMs, undefined)), timeoutMs);
  signal?.addEventListener('abort', abort, { once: true });
  try {
    signal?.throwIfAborted();
    let isSent = false;
    // The response may begin before the whole request has been sent: a refusal, or an echo.
    const failed = send(connection, requestHead(request), source).then(() => {
      isSent = true;
      return new Promise<never>(() => {});
    });
    const head = await Promise.race([readHead(connection), failed]);
    clearTimeout(late);
    const parts = readBody(connection, head, method);
    // The connection is free once both messages are complete.
    const end = (): void => finish(staysOpen(head, method) && isSent);
    if (parts === undefined) {
      end();
      return { ...head, body: undefined };
    }
    const next = async (): Promise<IteratorResult<Uint8Array, void>> => {
      try {
        const part = await parts.next();
        if (part.done) end();
        return part;
      } catch (error) {
        cut(error);
        throw error;
      }
    };
    // Reusing the connection would require reading the rest.
    return { ...head, body: { next, cancel: cut } };
  } catch (error) {
    finish(false);
    throw signal?.aborted ? signal.reason : error;
  }
}

async function send(
  connection: ByteConnection,
  head: Uint8Array,
  body: ReadableStreamDefaultReader<Uint8Array> | Uint8Array | undefined,
): Promise<void> {
  if (body === undefined || body instanceof Uint8Array) {
    await connection.write(body === undefined ? head : joined(head, body));
    return;
  }
  await connection.write(head);
  for (;;) {
    const { done, value } = await body.read();
    if (done) break;
    if (value.byteLength > 0) await connection.write(chunk(value));
  }
  await connection.write(LAST_CHUNK);
}

function joined(head: Uint8Array, body: Uint8Array): Uint8Array {
  const whole = new Uint8Array(head.byteLength + body.byteLength);
  whole.set(head);
  whole.set(body, head.byteLength);
  return whole;
}
