import { parsePattern } from '@aico/protocol';
import type { TSchema } from 'typebox';
import { BusNotConnectedError } from './errors.ts';
import { InProcessBus } from './in-process-bus.ts';
import { createIdPrefix, type MessageAttributes, type MessageHead } from './message.ts';
import { failure, Requests, success } from './requests.ts';
import { SchemaChecks } from './schema-checks.ts';
import { QueuedSubscription } from './subscription.ts';
import type { Transport, TransportConnection } from './transport.ts';
import type {
  MessageBus,
  MessageHandler,
  PayloadOf,
  PublishOptions,
  RequestHandler,
  RequestOptions,
  SubscribeOptions,
  Subscription,
  Topic,
} from './types.ts';

export interface MessageBusClientOptions {
  /** The name under which it publishes. Default `'anonymous'`. */
  readonly source?: string;
  /** What carries the messages. Default: a hub of its own, which only this client is on. */
  readonly transport?: Transport;
  /** Told of every failed handler and of dropped messages. Default: a process warning. */
  readonly onError?: (error: Error) => void;
}

const DONE: Promise<void> = Promise.resolve();

type State =
  | { readonly name: 'new' }
  | { readonly name: 'connected'; readonly connection: TransportConnection }
  | { readonly name: 'closed' };

/**
 * The message bus, as one component sees it.
 *
 * @example
 * ```ts
 * const client = new MessageBusClient();
 * await client.connect();
 * await client.subscribe('test.*', async (topic, message) => { received.push([topic, message]); });
 * await client.publish('test.message', { data: 'test' });
 * ```
 */
export class MessageBusClient implements MessageBus {
  readonly source: string;
  readonly #transport: Transport;
  readonly #onError: (error: Error) => void;
  readonly #checks = new SchemaChecks();
  readonly #subscriptions = new Set<QueuedSubscription>();
  #state: State = { name: 'new' };
  #connecting: Promise<void> | undefined;
  /** Of the messages published last, until this burst ends: reading the clock costs more than publishing. */
  #head: MessageHead | undefined;
  #now = 0;
  readonly #idPrefix = createIdPrefix();
  #sequence = 0;
  readonly #requests: Requests;
  #listening: Promise<Subscription> | undefined;
  #draining = false;

  constructor({
    source = 'anonymous',
    transport = new InProcessBus(),
    onError,
  }: MessageBusClientOptions = {}) {
    this.source = source;
    this.#transport = transport;
    this.#requests = new Requests(source, this.#idPrefix.replaceAll('-', ''));
    this.#onError = onError ?? ((error) => process.emitWarning(error));
  }

  /**
   * Opens the connection; a second call changes nothing.
   *
   * @throws {BusNotConnectedError} when the client has been closed
   */
  connect(): Promise<void> {
    if (this.#state.name === 'closed') return Promise.reject(new BusNotConnectedError(this.source, 'closed'));
    this.#connecting ??= this.#transport.connect(this.source).then((connection) => {
      if (this.#state.name === 'closed') return connection.close();
      this.#state = { name: 'connected', connection };
      return undefined;
    });
    return this.#connecting;
  }

  /**
   * Hands `message` over to everyone who has subscribed: it is frozen, not copied. Handlers run later, never on
   * this call's stack. When more is published than handled, awaiting it also lets the event loop turn.
   *
   * @throws {TopicInvalidError} when `topic` is not one
   * @throws {PayloadInvalidError} when `message` does not fit the topic's schema, or is not data
   * @throws {BusNotConnectedError} before `connect()` and after `close()`
   */
  publish<T extends string | Topic>(
    topic: T,
    message: PayloadOf<T>,
    options?: PublishOptions,
  ): Promise<void> {
    return this.#send(topic, message, options);
  }

  /**
   * @throws {RequestTimeoutError} when nobody answers in time
   * @throws {RequestFailedError} when the responder's handler failed
   * @throws as {@link publish}
   */
  async request<T extends string | Topic>(
    topic: T,
    message: PayloadOf<T>,
    options: RequestOptions = {},
  ): Promise<unknown> {
    this.#connection();
    const requests = this.#requests;
    this.#listening ??= this.subscribe(requests.pattern, (replyto, answer) => requests.take(replyto, answer));
    await this.#listening;
    const { traceparent } = options;
    const name = typeof topic === 'string' ? topic : topic.name;
    return requests.ask(name, options, (replyto) => this.#send(topic, message, { traceparent, replyto }));
  }

  /** @throws as {@link subscribe} */
  respond<T extends string | Topic>(
    topic: T,
    handler: RequestHandler<PayloadOf<T>>,
    options: SubscribeOptions = {},
  ): Promise<Subscription> {
    const answer: MessageHandler<PayloadOf<T>> = async (name, message, envelope) => {
      const { replyto } = envelope;
      try {
        const value = await handler(name, message, envelope);
        if (replyto !== undefined) await this.publish(replyto, success(value));
      } catch (error) {
        if (replyto !== undefined) await this.publish(replyto, failure(error));
        throw error;
      }
    };
    return this.subscribe(topic, answer, options);
  }

  #send(topic: string | Topic, message: unknown, options: MessageAttributes | undefined): Promise<void> {
    if (this.#state.name !== 'connected')
      return Promise.reject(new BusNotConnectedError(this.source, describe(this.#state)));
    let name: string;
    let schema: TSchema | undefined;
    if (typeof topic === 'string') {
      name = topic;
    } else {
      ({ name, schema } = topic);
      try {
        this.#checks.check(name, schema, message);
      } catch (error) {
        return Promise.reject(error);
      }
    }
    let head = this.#head;
    if (head === undefined || head.type !== name || head.checkedBy !== schema || options !== undefined)
      head = this.#createHead(name, schema, options);
    this.#sequence += 1;
    let sent: Promise<void> | undefined;
    try {
      sent = this.#state.connection.publish(head, this.#sequence, message);
    } catch (error) {
      return Promise.reject(error);
    }
    const { relief } = this.#transport.dispatcher;
    if (sent === undefined) return relief ?? DONE;
    return relief === undefined ? sent : sent.then(() => relief);
  }

  /**
   * @throws {TopicInvalidError} when `topic` is not a pattern
   * @throws {BusOptionError} when an option is out of range
   * @throws {BusNotConnectedError} before `connect()` and after `close()`
   */
  async subscribe<T extends string | Topic>(
    topic: T,
    handler: MessageHandler<PayloadOf<T>>,
    options: SubscribeOptions = {},
  ): Promise<Subscription> {
    const connection = this.#connection();
    const pattern = typeof topic === 'string' ? topic : topic.name;
    const schema = typeof topic === 'string' ? undefined : topic.schema;
    parsePattern(pattern);
    let release = async (): Promise<void> => {};
    const subscription = new QueuedSubscription({
      pattern,
      // What the schema has let through is of its type; for a plain name the type is unknown.
      handler: handler as MessageHandler,
      options,
      dispatcher: this.#transport.dispatcher,
      check:
        schema === undefined
          ? undefined
          : (head, payload) => {
              if (head.checkedBy !== schema) this.#checks.check(head.type, schema, payload);
            },
      report: (error) => this.#report(error),
      release: () => {
        if (!this.#draining) this.#subscriptions.delete(subscription);
        return release();
      },
    });
    release = await connection.subscribe(pattern, subscription);
    this.#subscriptions.add(subscription);
    if (this.#state.name === 'connected') return subscription;
    await subscription.unsubscribe();
    throw new BusNotConnectedError(this.source, describe(this.#state));
  }

  /** What each subscription has been sent so far, and what became of it. */
  get subscriptions(): readonly Subscription[] {
    return [...this.#subscriptions];
  }

  /** Takes nothing new, finishes what is queued, then closes. Handlers may still publish meanwhile. */
  async drain(): Promise<void> {
    if (this.#state.name !== 'connected') return this.close();
    this.#draining = true;
    await Promise.all([...this.#subscriptions].map((subscription) => subscription.stopReceiving()));
    await Promise.all([...this.#subscriptions].map((subscription) => subscription.whenIdle()));
    await this.close();
  }

  /** Ends every subscription; what is queued is dropped. A second call changes nothing. */
  async close(): Promise<void> {
    const state = this.#state;
    this.#state = { name: 'closed' };
    this.#requests.close();
    await Promise.all([...this.#subscriptions].map((subscription) => subscription.unsubscribe()));
    if (state.name === 'connected') await state.connection.close();
  }

  #createHead(
    type: string,
    checkedBy: TSchema | undefined,
    options: MessageAttributes | undefined,
  ): MessageHead {
    if (this.#now === 0) {
      this.#now = Date.now();
      queueMicrotask(this.#endBurst);
    }
    const head: MessageHead = {
      type,
      source: this.source,
      timeMs: this.#now,
      idPrefix: this.#idPrefix,
      id: options?.id,
      traceparent: options?.traceparent,
      replyto: options?.replyto,
      checkedBy,
    };
    if (options === undefined) this.#head = head;
    return head;
  }

  readonly #endBurst = (): void => {
    this.#now = 0;
    this.#head = undefined;
  };

  #connection(): TransportConnection {
    if (this.#state.name === 'connected') return this.#state.connection;
    throw new BusNotConnectedError(this.source, describe(this.#state));
  }

  #report(error: Error): void {
    try {
      this.#onError(error);
    } catch (failure) {
      process.emitWarning(failure instanceof Error ? failure : String(failure));
    }
  }
}

function describe(state: State): string {
  return state.name === 'new' ? 'not connected yet' : state.name;
}
