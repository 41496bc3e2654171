import { topicSegment } from '@aico/protocol';
import { Publisher } from './delivery/publisher.ts';
import { type SubscriptionKind, Subscriptions } from './delivery/subscriptions.ts';
import { DurableClient } from './durable/durable-client.ts';
import type { StoreConnection } from './durable/remote/store-connection.ts';
import type { ConsumeHandler, ConsumeOptions, Consumption, DurableStore } from './durable/types.ts';
import { BusNotConnectedError, BusOptionError } from './errors.ts';
import { installedBus } from './installed-bus.ts';
import { checkSource, type MessageAttributes } from './messages/message.ts';
import { cancelTopic, Requests } from './requests/requester.ts';
import { Responder } from './requests/responder.ts';
import { checkPublish, checkSubscribe, type TopicOwner } from './topics/reserved-topics.ts';
import { SchemaChecks } from './topics/schema-checks.ts';
import { InProcessBus } from './transports/in-process-bus.ts';
import type { Transport, TransportConnection } from './transports/transport.ts';
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

/** Options of a {@link MessageBusClient}. */
export interface MessageBusClientOptions {
  /** The source of the messages that the client publishes. Default `'anonymous'`. */
  readonly source?: string;
  /** Default: the bus of the backend that runs in this process, otherwise a new in-process bus. */
  readonly transport?: Transport;
  /** The store of durable messages. Default: the store behind the transport, if there is one. */
  readonly durable?: DurableStore | undefined;
  /** Called when a handler fails and when messages are dropped. Default: a process warning. */
  readonly onError?: (error: Error) => void;
  /** The owners whose reserved topics the client may use. Only parts of the backend set this. */
  readonly owns?: readonly TopicOwner[];
}

/** The parts of a connected client. */
interface Connected {
  readonly transport: Transport;
  readonly connection: TransportConnection;
  readonly durable: DurableClient;
  readonly publisher: Publisher;
  readonly onError: (error: Error) => void;
}

type State =
  | { readonly name: 'new' }
  | ({ readonly name: 'connected' } & Connected)
  | { readonly name: 'closed' };

/**
 * One component's client of the message bus.
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
  readonly #options: MessageBusClientOptions;
  readonly #owns: readonly TopicOwner[];
  readonly #checks = new SchemaChecks();
  readonly #subscriptions: Subscriptions;
  #state: State = { name: 'new' };
  #connecting: Promise<void> | undefined;
  /** Clients with other names that share this client's connection. */
  readonly #children = new Set<MessageBusClient>();
  #parent: MessageBusClient | undefined;
  #requests: Requests | undefined;
  readonly #responder = new Responder();
  #draining = false;

  constructor(options: MessageBusClientOptions = {}) {
    const { source = 'anonymous', owns = [] } = options;
    checkSource(source);
    this.source = source;
    this.#options = options;
    this.#owns = owns;
    this.#subscriptions = new Subscriptions(this.#checks, (error) => this.#report(error));
  }

  /**
   * Opens the connection; a second call has no effect. Without a transport, the client connects to the backend that runs in
   * this process.
   *
   * @throws {BusNotConnectedError} when the client has been closed
   * @throws {BusAmbiguousError} when several backends run in this process and the client was given no transport
   */
  connect(): Promise<void> {
    if (this.#state.name === 'closed') return Promise.reject(new BusNotConnectedError(this.source, 'closed'));
    this.#connecting ??= this.#connect();
    return this.#connecting;
  }

  async #connect(): Promise<void> {
    // A client that claims reserved topics must not find a backend's bus by itself: the backend passes its transport to the
    // parts that own topics.
    const isJoining = this.#options.transport === undefined && this.#owns.length === 0;
    const installed = isJoining ? installedBus() : undefined;
    const transport: Transport = this.#options.transport ?? installed?.transport ?? new InProcessBus();
    const connection = await transport.connect(this.source);
    if (this.#state.name === 'closed') {
      await connection.close();
      return;
    }
    const onError = this.#options.onError ?? installed?.onError ?? ((error) => process.emitWarning(error));
    const store = this.#options.durable ?? transport.remoteStore?.(this.#storeConnection());
    const durable = new DurableClient(() => store ?? installed?.durable(), this.#checks);
    this.#setConnected({ transport, connection, durable, onError });
  }

  #setConnected(parts: Omit<Connected, 'publisher'>): void {
    const { connection, durable, transport } = parts;
    const { source } = this;
    const { dispatcher } = transport;
    const checks = this.#checks;
    const publisher = new Publisher({ source, owns: this.#owns, checks, connection, dispatcher, durable });
    this.#state = { name: 'connected', publisher, ...parts };
  }

  /**
   * Returns a connected client of the same bus with another name and its own subscriptions. Closing it leaves this client
   * open; closing this client closes it as well. Where a broker identifies clients by their keys, the broker sets the name.
   * Of this client's reserved topics the new client may use only those of the listed owners.
   *
   * @throws {BusNotConnectedError} before `connect()` and after `close()`
   * @throws {BusOptionError} when `owns` names an owner that this client is not
   * @example
   * ```ts
   * const bus = client.as('journal');
   * await bus.publish('journal.written', { id: 7 }); // envelope.source is 'journal'
   * ```
   */
  as(source: string, { owns = [] }: Pick<MessageBusClientOptions, 'owns'> = {}): MessageBusClient {
    const { transport, connection, durable, onError } = this.#connected();
    const foreign = owns.find((owner) => !this.#owns.includes(owner));
    if (foreign !== undefined)
      throw new BusOptionError('owns', `names "${foreign}", whose topics "${this.source}" does not own`);
    const client = new MessageBusClient({ ...this.#options, source, transport, owns });
    // Requests to a remote store carry the source of the client that sends them, so each client has a store of its own.
    const store = this.#options.durable ?? transport.remoteStore?.(client.#storeConnection());
    const own = new DurableClient(() => store ?? durable.store, client.#checks);
    client.#setConnected({ transport, connection, durable: own, onError });
    client.#connecting = Promise.resolve();
    client.#parent = this;
    this.#children.add(client);
    return client;
  }

  /**
   * Publishes `message` to every matching subscription. Subscriptions receive a copy of its data, and plain data is frozen, so
   * that it cannot be changed after this call. Handlers run later, never on this call's stack. While messages are published
   * faster than they are handled, the promise settles only in a later turn of the event loop.
   *
   * @throws {TopicInvalidError} when `topic` is malformed
   * @throws {PayloadInvalidError} when `message` does not match the topic's schema, or is not data
   * @throws {DataBoundsError} when `message` is nested too deeply, or too large
   * @throws {BusTopicReservedError} when `topic` is reserved for the backend
   * @throws {BusNotConnectedError} before `connect()` and after `close()`
   */
  publish<T extends string | Topic>(
    topic: T,
    message: PayloadOf<T>,
    options?: PublishOptions,
  ): Promise<void> {
    if (this.#state.name !== 'connected') return Promise.reject(this.#notConnected());
    return this.#state.publisher.publish(topic, message, options);
  }

  /**
   * @throws {BusNotDurableError} when the bus has no store
   * @throws {TopicInvalidError} when `topic` is a malformed pattern
   * @throws {AicoError} from the store, when a consumer of this name is already running
   * @example
   * ```ts
   * await bus.consume('orders.placed', 'mailer', async (topic, order, { ack }) => {
   *   await database.transaction(async (tx) => {
   *     await tx.execute('INSERT INTO letter (text) VALUES (?)', [order.text]);
   *     await ack(tx);
   *   });
   * });
   * ```
   */
  async consume<T extends string | Topic>(
    topic: T,
    consumer: string,
    handler: ConsumeHandler<PayloadOf<T>>,
    options: ConsumeOptions = {},
  ): Promise<Consumption> {
    const { durable } = this.#connected();
    checkSubscribe(nameOf(topic), this.#owns);
    // The schema check guarantees the payload's type; the payload of a plain name is `unknown`.
    return durable.consume(this.source, topic, consumer, handler as ConsumeHandler, options);
  }

  /**
   * @throws {NoResponderError} when no component answers requests on the topic
   * @throws {RequestTimeoutError} when no answer arrives in time
   * @throws {RequestFailedError} when the responder's handler failed
   * @throws as {@link publish}
   */
  async request<T extends string | Topic>(
    topic: T,
    message: PayloadOf<T>,
    options: RequestOptions = {},
  ): Promise<unknown> {
    checkPublish(nameOf(topic), this.#owns);
    return this.#ask(topic, message, options);
  }

  async #ask(topic: string | Topic, message: unknown, options: RequestOptions): Promise<unknown> {
    const { connection } = this.#connected();
    const { replyPrefix = `_reply.${topicSegment(this.source)}` } = connection;
    this.#requests ??= new Requests(this.source, {
      replyPrefix,
      send: (...sent) => this.#send(...sent),
      isAnswered: (name) => connection.isAnswered(name),
      check: (typed, payload) => {
        if (typeof typed !== 'string') this.#checks.check(typed.name, typed.schema, payload);
      },
      subscribe: (pattern, handler) => this.#subscribe(pattern, handler, {}, { inner: true }),
    });
    return this.#requests.ask(topic, message, options);
  }

  /** @throws as {@link subscribe} */
  async respond<T extends string | Topic>(
    topic: T,
    handler: RequestHandler<PayloadOf<T>>,
    options: SubscribeOptions = {},
  ): Promise<Subscription> {
    const answer = this.#responder.handler(handler, (replyto, message) => this.#send(replyto, message, {}));
    checkSubscribe(nameOf(topic), this.#owns);
    const pattern = cancelTopic(nameOf(topic));
    const cancels = await this.#subscribe(pattern, this.#responder.cancel, {}, { inner: true });
    const ended = (): Promise<void> => cancels.unsubscribe();
    try {
      return await this.#subscribe(topic, answer, options, { ended });
    } catch (error) {
      await ended();
      throw error;
    }
  }

  #send(topic: string | Topic, message: unknown, attributes: MessageAttributes): Promise<void> {
    if (this.#state.name !== 'connected') return Promise.reject(this.#notConnected());
    return this.#state.publisher.send(topic, message, attributes);
  }

  /**
   * @throws {TopicInvalidError} when `topic` is a malformed pattern
   * @throws {BusOptionError} when an option is out of range
   * @throws {BusNotConnectedError} before `connect()` and after `close()`
   */
  async subscribe<T extends string | Topic>(
    topic: T,
    handler: MessageHandler<PayloadOf<T>>,
    options: SubscribeOptions = {},
  ): Promise<Subscription> {
    if (this.#draining) throw new BusNotConnectedError(this.source, 'draining');
    checkSubscribe(nameOf(topic), this.#owns);
    return this.#subscribe(topic, handler, options);
  }

  async #subscribe<T extends string | Topic>(
    topic: T,
    handler: MessageHandler<PayloadOf<T>>,
    options: SubscribeOptions,
    kind: SubscriptionKind = {},
  ): Promise<Subscription> {
    // The schema check guarantees the payload's type; the payload of a plain name is `unknown`.
    const untyped = handler as MessageHandler;
    const subscription = await this.#subscriptions.add(this.#connected(), topic, untyped, options, kind);
    if (this.#state.name === 'connected') return subscription;
    await subscription.unsubscribe();
    throw this.#notConnected();
  }

  /** The subscriptions of this client, each with its statistics. */
  get subscriptions(): readonly Subscription[] {
    return this.#subscriptions.shown;
  }

  /**
   * Stops receiving, finishes the queued messages, the requests being answered and the requests that were sent, then closes.
   * Meanwhile handlers may publish and send requests, but not subscribe. The promise does not resolve while a handler runs;
   * `close()` ends the wait.
   */
  async drain(): Promise<void> {
    if (this.#state.name !== 'connected') return this.close();
    this.#draining = true;
    await Promise.all([...this.#children].map((client) => client.drain()));
    await this.#state.durable.stop();
    await this.#subscriptions.drain();
    await this.#requests?.whenIdle();
    await this.close();
  }

  /** Ends every subscription, drops queued messages and does not wait for running handlers. A second call has no effect. */
  async close(): Promise<void> {
    const state = this.#state;
    if (state.name === 'closed') return;
    await Promise.all([...this.#children].map((client) => client.close()));
    if (state.name === 'connected') await state.durable.stop();
    this.#state = { name: 'closed' };
    if (state.name === 'connected') state.publisher.close();
    this.#requests?.close();
    this.#responder.close(new BusNotConnectedError(this.source, 'closed'));
    await this.#subscriptions.close();
    if (this.#parent !== undefined) this.#parent.#children.delete(this);
    if (this.#parent === undefined && state.name === 'connected') await state.connection.close();
  }

  /** Connects a remote store to this client's requests. */
  #storeConnection(): StoreConnection {
    const connected = (): Connected => this.#connected();
    return {
      request: (topic, message, options) => this.#ask(topic, message, options),
      get lost() {
        return connected().connection.lost;
      },
    };
  }

  #connected(): Connected {
    if (this.#state.name === 'connected') return this.#state;
    throw this.#notConnected();
  }

  #notConnected(): BusNotConnectedError {
    return new BusNotConnectedError(
      this.source,
      this.#state.name === 'new' ? 'not connected yet' : this.#state.name,
    );
  }

  #report(error: Error): void {
    try {
      if (this.#state.name === 'connected') this.#state.onError(error);
      else process.emitWarning(error);
    } catch (failure) {
      process.emitWarning(failure instanceof Error ? failure : String(failure));
    }
  }
}

function nameOf(topic: string | Topic): string {
  return typeof topic === 'string' ? topic : topic.name;
}
