import { AicoError } from '@aico/protocol';
import { BusNotConnectedError, RequestFailedError, RequestTimeoutError } from './errors.ts';
import type { RequestOptions } from './types.ts';

const DEFAULT_TIMEOUT_MS = 5_000;

/** How an answer travels. */
type Answer =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly code: string | undefined };

interface Waiting {
  readonly topic: string;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** What one client has asked and not been answered yet, by the topic on which the answer is awaited. */
export class Requests {
  readonly #source: string;
  readonly #prefix: string;
  readonly #waiting = new Map<string, Waiting>();
  #count = 0;

  constructor(source: string, id: string) {
    this.#source = source;
    this.#prefix = `_reply.${id}`;
  }

  /** Where all answers to this client come. */
  get pattern(): string {
    return `${this.#prefix}.*`;
  }

  /** Sends by `send`, which is told where the answer is awaited, and waits for the answer, deadline or abort. */
  async ask(
    topic: string,
    { timeoutMs = DEFAULT_TIMEOUT_MS, signal }: RequestOptions,
    send: (replyto: string) => Promise<void>,
  ): Promise<unknown> {
    signal?.throwIfAborted();
    this.#count += 1;
    const replyto = `${this.#prefix}.${this.#count}`;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#waiting.set(replyto, { topic, resolve, reject });
    const timer = setTimeout(() => reject(new RequestTimeoutError(topic, timeoutMs)), timeoutMs);
    const abort = (): void => reject(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      send(replyto).catch(reject);
      return await promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      this.#waiting.delete(replyto);
    }
  }

  /** Takes an answer; one that comes too late, or is none, concerns nobody. */
  take(replyto: string, message: unknown): void {
    const waiting = this.#waiting.get(replyto);
    if (waiting === undefined || !isAnswer(message)) return;
    if (message.ok) waiting.resolve(message.value);
    else waiting.reject(new RequestFailedError(waiting.topic, message.code));
  }

  /** Gives everything up. */
  close(): void {
    for (const { reject } of this.#waiting.values()) reject(new BusNotConnectedError(this.#source, 'closed'));
  }
}

/** The answer that says `work` succeeded. */
export function success(value: unknown): Answer {
  return { ok: true, value };
}

/** The answer that says it failed: a code, no message, no cause. */
export function failure(error: unknown): Answer {
  return { ok: false, code: error instanceof AicoError ? error.code : undefined };
}

function isAnswer(message: unknown): message is Answer {
  if (typeof message !== 'object' || message === null || !('ok' in message)) return false;
  if (message.ok === true) return 'value' in message;
  return (
    message.ok === false &&
    'code' in message &&
    (message.code === undefined || typeof message.code === 'string')
  );
}
