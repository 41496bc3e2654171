import { randomUUID } from 'node:crypto';
import { AicoError } from '@aico/protocol';
import { BusNotConnectedError, BusOptionError, RequestFailedError, RequestTimeoutError } from '../errors.ts';
import type { MessageHandler, RequestOptions } from '../types.ts';

const DEFAULT_TIMEOUT_MS = 5_000;
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** Sends requests and their cancellations. */
export interface RequestSender {
  send(attributes: { readonly replyto: string; readonly deadline: number }): Promise<void>;
  /** Tells the responder that the answer is not awaited any more. Must not throw. */
  cancel(replyto: string): void;
}

/** The content of an answer. */
type Answer =
  | { readonly ok: true; readonly value?: unknown }
  | { readonly ok: false; readonly code?: string | undefined };

interface Waiting {
  readonly topic: string;
  readonly promise: Promise<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The requests of one client that have not been answered yet, by the topic on which the answer is awaited. That topic ends
 * in a secret drawn for the one request: nothing else that this client publishes reveals it, so only those who were sent
 * the request can answer it.
 */
export class Requests {
  readonly #source: string;
  readonly #prefix: string;
  readonly #waiting = new Map<string, Waiting>();
  #listening: Promise<unknown> | undefined;

  /** @param prefix of the topics below which answers to this connection come */
  constructor(source: string, prefix: string) {
    this.#source = source;
    this.#prefix = `${prefix}.${randomUUID()}`;
  }

  /** Settles once nothing is waited for. */
  async whenIdle(): Promise<void> {
    while (this.#waiting.size > 0)
      await Promise.allSettled([...this.#waiting.values()].map(({ promise }) => promise));
  }

  /** Has all answers to this client come here; once. */
  async listen(subscribe: (pattern: string, take: MessageHandler) => Promise<unknown>): Promise<void> {
    this.#listening ??= subscribe(`${this.#prefix}.*`, (replyto, answer) => this.#take(replyto, answer));
    try {
      await this.#listening;
    } catch (error) {
      this.#listening = undefined;
      throw error;
    }
  }

  /** Sends a request and waits for the answer, the deadline or the abort; the latter two cancel it at the responder. */
  async ask(
    topic: string,
    { timeoutMs = DEFAULT_TIMEOUT_MS, signal }: RequestOptions,
    sender: RequestSender,
  ): Promise<unknown> {
    if (!(timeoutMs >= 0) || timeoutMs > MAX_TIMEOUT_MS)
      throw new BusOptionError('timeoutMs', `must be a number from 0 to ${MAX_TIMEOUT_MS}`);
    signal?.throwIfAborted();
    const replyto = `${this.#prefix}.${randomUUID()}`;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#waiting.set(replyto, { topic, promise, resolve, reject });
    const giveUp = (reason: unknown): void => {
      reject(reason);
      sender.cancel(replyto);
    };
    const timer = setTimeout(() => giveUp(new RequestTimeoutError(topic, timeoutMs)), timeoutMs);
    const abort = (): void => giveUp(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      sender.send({ replyto, deadline: performance.now() + timeoutMs }).catch(reject);
      return await promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      this.#waiting.delete(replyto);
    }
  }

  /** Takes an answer, and passes over one that comes too late, is malformed, or belongs to no request of this client. */
  #take(replyto: string, message: unknown): void {
    const waiting = this.#waiting.get(replyto);
    if (waiting === undefined || !isAnswer(message)) return;
    if (message.ok) waiting.resolve(message.value);
    else waiting.reject(new RequestFailedError(waiting.topic, message.code));
  }

  /** Rejects every request that is not answered. */
  close(): void {
    for (const { reject } of this.#waiting.values()) reject(new BusNotConnectedError(this.#source, 'closed'));
    this.#waiting.clear();
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

/** Members that are `undefined` may have been left out on the way. */
function isAnswer(message: unknown): message is Answer {
  if (typeof message !== 'object' || message === null || !('ok' in message)) return false;
  if (message.ok === true) return true;
  const code = 'code' in message ? message.code : undefined;
  return message.ok === false && (code === undefined || typeof code === 'string');
}
