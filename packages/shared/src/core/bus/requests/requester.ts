import { randomUUID } from 'node:crypto';
import { AicoError } from '@aico/protocol';
import {
  BusNotConnectedError,
  BusOptionError,
  NoResponderError,
  RequestFailedError,
  RequestTimeoutError,
} from '../errors.ts';
import type { MessageAttributes } from '../messages/message.ts';
import { CANCEL_PREFIX } from '../topics/reserved-topics.ts';
import type { MessageHandler, RequestOptions, Subscription, Topic } from '../types.ts';

const DEFAULT_TIMEOUT_MS = 5_000;
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** The functions of a client that {@link Requests} uses. */
interface RequestConnection {
  /** The prefix of the topics on which answers arrive. */
  readonly replyPrefix: string;
  send(topic: string | Topic, message: unknown, attributes: MessageAttributes): Promise<void>;
  /** Whether a responder answers requests on `topic`; `true` where this is not known. */
  isAnswered(topic: string): boolean;
  /** @throws {PayloadInvalidError} when `message` does not match the schema of the topic */
  check(topic: string | Topic, message: unknown): void;
  /** Subscribes without listing the subscription in the client's `subscriptions`. */
  subscribe(pattern: string, handler: MessageHandler): Promise<Subscription>;
}

/** The payload of an answer. */
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
 * The pending requests of one client, by the topic on which the answer is awaited. That topic ends in a random secret for each
 * request, which only the receivers of the request learn, so that no other client can answer it.
 */
export class Requests {
  readonly #source: string;
  readonly #connection: RequestConnection;
  readonly #prefix: string;
  readonly #waiting = new Map<string, Waiting>();
  #listening: Promise<unknown> | undefined;

  constructor(source: string, connection: RequestConnection) {
    this.#source = source;
    this.#connection = connection;
    this.#prefix = `${connection.replyPrefix}.${randomUUID()}`;
  }

  /** Resolves when no request is pending. */
  async whenIdle(): Promise<void> {
    while (this.#waiting.size > 0)
      await Promise.allSettled([...this.#waiting.values()].map(({ promise }) => promise));
  }

  /** Subscribes to the answers, once for all requests of this client. */
  async #listen(): Promise<void> {
    this.#listening ??= this.#connection.subscribe(`${this.#prefix}.*`, (replyto, answer) =>
      this.#take(replyto, answer),
    );
    try {
      await this.#listening;
    } catch (error) {
      this.#listening = undefined;
      throw error;
    }
  }

  /**
   * Sends a request and awaits its answer. The timeout and the abort signal cancel the request at the responder.
   *
   * @throws {NoResponderError} when no component answers requests on the topic
   */
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
    if (!this.#connection.isAnswered(name)) {
      // A message that does not match its schema is the requester's mistake, whether it is answered or not.
      this.#connection.check(topic, message);
      throw new NoResponderError(name);
    }
    const replyto = `${this.#prefix}.${randomUUID()}`;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#waiting.set(replyto, { topic: name, promise, resolve, reject });
    const cancel = (reason: unknown): void => {
      reject(reason);
      // This fails if the prefix makes the topic too long. The responder then stops at the deadline of the request.
      void this.#connection.send(cancelTopic(name), undefined, { replyto }).catch(() => {});
    };
    const timer = setTimeout(() => cancel(new RequestTimeoutError(name, timeoutMs)), timeoutMs);
    const abort = (): void => cancel(signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      const deadline = performance.now() + timeoutMs;
      this.#connection.send(topic, message, { traceparent, replyto, deadline }).catch(reject);
      return await promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      this.#waiting.delete(replyto);
    }
  }

  /** Accepts an answer. Answers that are late, malformed or belong to no request of this client are ignored. */
  #take(replyto: string, message: unknown): void {
    const waiting = this.#waiting.get(replyto);
    if (waiting === undefined || !isAnswer(message)) return;
    if (message.ok) waiting.resolve(message.value);
    else waiting.reject(new RequestFailedError(waiting.topic, message.code));
  }

  /** Rejects every pending request. */
  close(): void {
    for (const { reject } of this.#waiting.values()) reject(new BusNotConnectedError(this.#source, 'closed'));
    this.#waiting.clear();
  }
}

/**
 * The topic on which requests on `topic` are cancelled. A client that may publish on `topic` may publish on it, and a client
 * that may subscribe to `topic` may subscribe to it.
 */
export function cancelTopic(topic: string): string {
  return CANCEL_PREFIX + topic;
}

/** The answer to a request whose handler returned `value`. */
export function success(value: unknown): Answer {
  return { ok: true, value };
}

/** The answer to a request whose handler failed: it carries a code, but neither message nor cause. */
export function failure(error: unknown): Answer {
  return { ok: false, code: error instanceof AicoError ? error.code : undefined };
}

/** Accepts an answer without `value` or `code`, since an encoding may omit members that are `undefined`. */
function isAnswer(message: unknown): message is Answer {
  if (typeof message !== 'object' || message === null || !('ok' in message)) return false;
  if (message.ok === true) return true;
  const code = 'code' in message ? message.code : undefined;
  return message.ok === false && (code === undefined || typeof code === 'string');
}
