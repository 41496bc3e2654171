import { randomUUID } from 'node:crypto';
import { AicoError } from '@aico/protocol';
import { BusNotConnectedError, BusOptionError, RequestFailedError, RequestTimeoutError } from '../errors.ts';
import type { MessageAttributes } from '../messages/message.ts';
import { CANCEL_PREFIX } from '../topics/reserved-topics.ts';
import type { MessageHandler, RequestOptions, Subscription, Topic } from '../types.ts';

const DEFAULT_TIMEOUT_MS = 5_000;
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** The part of a client that sends and receives the messages that requests consist of. */
export interface RequestLine {
  /** The prefix of the topics on which answers come. */
  readonly replyPrefix: string;
  send(topic: string | Topic, message: unknown, attributes: MessageAttributes): Promise<void>;
  /** Subscribes without showing the subscription to the client's user. */
  listen(pattern: string, take: MessageHandler): Promise<Subscription>;
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
  readonly #line: RequestLine;
  readonly #prefix: string;
  readonly #waiting = new Map<string, Waiting>();
  #listening: Promise<unknown> | undefined;

  constructor(source: string, line: RequestLine) {
    this.#source = source;
    this.#line = line;
    this.#prefix = `${line.replyPrefix}.${randomUUID()}`;
  }

  /** Settles once nothing is waited for. */
  async whenIdle(): Promise<void> {
    while (this.#waiting.size > 0)
      await Promise.allSettled([...this.#waiting.values()].map(({ promise }) => promise));
  }

  /** Subscribes to the answers to this client, once for all requests. */
  async #listen(): Promise<void> {
    this.#listening ??= this.#line.listen(`${this.#prefix}.*`, (replyto, answer) =>
      this.#take(replyto, answer),
    );
    try {
      await this.#listening;
    } catch (error) {
      this.#listening = undefined;
      throw error;
    }
  }

  /** Sends a request and waits for the answer, the deadline or the abort; the latter two cancel it at the responder. */
  async ask(
    topic: string | Topic,
    message: unknown,
    { timeoutMs = DEFAULT_TIMEOUT_MS, signal, traceparent }: RequestOptions,
  ): Promise<unknown> {
    await this.#listen();
    if (!(timeoutMs >= 0) || timeoutMs > MAX_TIMEOUT_MS)
      throw new BusOptionError('timeoutMs', `must be a number from 0 to ${MAX_TIMEOUT_MS}`);
    signal?.throwIfAborted();
    const name = typeof topic === 'string' ? topic : topic.name;
    const replyto = `${this.#prefix}.${randomUUID()}`;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#waiting.set(replyto, { topic: name, promise, resolve, reject });
    const giveUp = (reason: unknown): void => {
      reject(reason);
      // Without effect where the topic is too long for it: the deadline reaches the responder anyway.
      void this.#line.send(cancelTopic(name), undefined, { replyto }).catch(() => {});
    };
    const timer = setTimeout(() => giveUp(new RequestTimeoutError(name, timeoutMs)), timeoutMs);
    const abort = (): void => giveUp(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      const deadline = performance.now() + timeoutMs;
      this.#line.send(topic, message, { traceparent, replyto, deadline }).catch(reject);
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

/**
 * The topic on which requests on `topic` are cancelled: a client that may send them may cancel them, and one that may answer
 * may subscribe to it.
 */
export function cancelTopic(topic: string): string {
  return CANCEL_PREFIX + topic;
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
