import type { ByteConnection } from './byte-connection.ts';
import { chunk, LAST_CHUNK, type RequestParts } from './http1-request.ts';
import { readBody, readHead, staysOpen } from './http1-response.ts';

export interface ExchangeOptions {
  readonly method: string;
  readonly signal: AbortSignal | undefined;
  /** Milliseconds until the answer must have begun. */
  readonly timeoutMs: number;
  /** The connection is free for another request, or is not to be used any more. */
  readonly release: (isFree: boolean) => void;
}

/** Begun too late. */
export class AnswerLate extends Error {}

/** One request and its answer, whose body streams. Whatever goes wrong cuts the connection. */
export async function exchange(
  connection: ByteConnection,
  { head, body }: RequestParts,
  { method, signal, timeoutMs, release }: ExchangeOptions,
): Promise<Response> {
  const source = body instanceof ReadableStream ? body.getReader() : body;
  let over = false;
  const finish = (isFree: boolean): void => {
    if (over) return;
    over = true;
    clearTimeout(late);
    signal?.removeEventListener('abort', abort);
    // What it has not given is not wanted any more.
    if (!isFree && source instanceof ReadableStreamDefaultReader) source.cancel().catch(() => {});
    release(isFree);
  };
  const cut = (error: Error): void => {
    connection.fail(error);
    finish(false);
  };
  const abort = (): void => cut(reasonOf(signal));
  const late = setTimeout(() => cut(new AnswerLate()), timeoutMs);
  signal?.addEventListener('abort', abort, { once: true });
  try {
    signal?.throwIfAborted();
    // The answer may come before the body is sent: a refusal, or an echo.
    let isSent = false;
    const broken = send(connection, head, source).then(() => {
      isSent = true;
      return new Promise<never>(() => {});
    });
    const answer = await Promise.race([readHead(connection), broken]);
    clearTimeout(late);
    const parts = readBody(connection, answer, method);
    const mayStay = staysOpen(answer, method);
    // A connection is free when both have been said whole.
    const end = (): void => finish(mayStay && isSent);
    if (parts === undefined) {
      end();
      return new Response(null, answer);
    }
    const failed = (error: unknown): unknown =>
      // As `fetch` has it: what it was given up with as it is, a break as a TypeError.
      signal?.aborted ? signal.reason : new TypeError('the answer broke off', { cause: error });
    return new Response(streamOf(parts, { end, cut, failed }), answer);
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

interface BodyEvents {
  readonly end: () => void;
  readonly cut: (error: Error) => void;
  /** What whoever reads is told of an error. */
  readonly failed: (error: unknown) => unknown;
}

function streamOf(
  parts: AsyncGenerator<Uint8Array, void, undefined>,
  { end, cut, failed }: BodyEvents,
): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await parts.next();
          if (done !== true) {
            controller.enqueue(value);
            return;
          }
          end();
          controller.close();
        } catch (error) {
          cut(error instanceof Error ? error : new Error(String(error)));
          controller.error(failed(error));
        }
      },
      // What is still to come would have to be read before the connection could be used again.
      cancel: () => cut(new Error('the body was not wanted')),
    },
    { highWaterMark: 0 },
  );
}

function joined(head: Uint8Array, body: Uint8Array): Uint8Array {
  const whole = new Uint8Array(head.byteLength + body.byteLength);
  whole.set(head);
  whole.set(body, head.byteLength);
  return whole;
}

function reasonOf(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason : new Error(String(reason));
}
