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
import { Answering } from './requests/responder.ts';
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

/** The name of a client and the transport that it uses. */
export interface MessageBusClientOptions {
  /** The name under which it publishes. Default `'anonymous'`. */
  readonly source?: string;
  /** Carries the messages. Default: the bus of the backend that runs in this process, else a hub of its own. */
  readonly transport?: Transport;
  /** Keeps durable messages. Default: the store at the transport's other end, where it has one; else there are none. */
  readonly durable?: DurableStore | undefined;
  /** Called with every failed handler and with dropped messages. Default: a process warning. */
  readonly onError?: (error: Error) => void;
  /** The reserved topics that it may use, for the parts of a backend that own them. */
  readonly owns?: readonly TopicOwner[];
}

/** The parts of a client that is connected. */
interface Link {
  readonly transport: Transport;
  readonly connection: TransportConnection;
  readonly durable: DurableClient;
  readonly publisher: Publisher;
  readonly onError: (error: Error) => void;
}

type State = { readonly name: 'new' } | ({ readonly name: 'connected' } & Link) | { readonly name: 'closed' };

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
  readonly #options: MessageBusClientOptions;
  readonly #owns: readonly TopicOwner[];
  readonly #checks = new SchemaChecks();
  readonly #all: Subscriptions;
  #state: State = { name: 'new' };
  #connecting: Promise<void> | undefined;
  /** Clients under other names that go through this one's connection. */
  readonly #family = new Set<MessageBusClient>();
  #parent: MessageBusClient | undefined;
  #requests: Requests | undefined;
  readonly #answering = new Answering();
  #draining = false;

  constructor(options: MessageBusClientOptions = {}) {
    const { source = 'anonymous', owns = [] } = options;
    checkSource(source);
    this.source = source;
    this.#options = options;
    this.#owns = owns;
    this.#all = new Subscriptions(this.#checks, (error) => this.#report(error));
  }

  /**
   * Opens the connection; a second call changes nothing. Without a transport, the client joins the backend that runs in
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
    // No claim to own topics reaches a backend's bus, which was given to those that do.
    const isJoining = this.#options.transport === undefined && this.#owns.length === 0;
    const installed = isJoining ? installedBus() : undefined;
    const transport: Transport = this.#options.transport ?? installed?.transport ?? new InProcessBus();
    const connection = await transport.connect(this.source);
    if (this.#state.name === 'closed') {
      await connection.close();
      return;
    }
    const onError = this.#options.onError ?? installed?.onError ?? ((error) => process.emitWarning(error));
    const store = this.#options.durable ?? transport.remoteStore?.(this.#line());
    const durable = new DurableClient(() => store ?? installed?.durable(), this.#checks);
    this.#become({ transport, connection, durable, onError });
  }

  #become(link: Omit<Link, 'publisher'>): void {
    const { connection, durable, transport } = link;
    const { source } = this;
    const { dispatcher } = transport;
    const checks = this.#checks;
    const publisher = new Publisher({ source, owns: this.#owns, checks, connection, dispatcher, durable });
    this.#state = { name: 'connected', publisher, ...link };
  }

  /**
   * The same bus under another name, connected, with its own subscriptions: closing it closes nothing else, and closing this
   * client closes it too. With a broker that identifies clients by their keys, the broker sets the name. It owns only those
   * reserved topics of this client that are listed.
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
    const { transport, connection, durable, onError } = this.#link();
    const stranger = owns.find((owner) => !this.#owns.includes(owner));
    if (stranger !== undefined)
      throw new BusOptionError('owns', `names "${stranger}", whose topics "${this.source}" does not own`);
    const client = new MessageBusClient({ ...this.#options, source, transport, owns });
    // The store of a connection to a broker is asked in the name of the client that uses it.
    const store = this.#options.durable ?? transport.remoteStore?.(client.#line());
    const own = new DurableClient(() => store ?? durable.store, client.#checks);
    client.#become({ transport, connection, durable: own, onError });
    client.#connecting = Promise.resolve();
    client.#parent = this;
    this.#family.add(client);
    return client;
  }

  /**
   * Publishes `message` to every matching subscription. Subscriptions get a copy of its data, and plain data is frozen: it
   * cannot be changed after this call. Handlers run later, never on this call's stack. When more is published than handled,
   * awaiting the promise also lets the event loop turn.
   *
   * @throws {TopicInvalidError} when `topic` is not one
   * @throws {PayloadInvalidError} when `message` does not fit the topic's schema, or is not data
   * @throws {DataBoundsError} when it is nested too deeply, or too large
   * @throws {BusTopicReservedError} when `topic` belongs to a part of the backend
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
   * @throws {BusNotDurableError} when this bus was given no store
   * @throws {TopicInvalidError} when `topic` is not a pattern
   * @throws {AicoError} of the store, when a consumer of this name runs already
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
    const { durable } = this.#link();
    checkSubscribe(nameOf(topic), this.#owns);
    // A payload that passed the schema is of its type; for a plain name the type is unknown.
    return durable.consume(this.source, topic, consumer, handler as ConsumeHandler, options);
  }

  /**
   * @throws {RequestTimeoutError} when no answer comes in time
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
    const { replyPrefix = `_reply.${topicSegment(this.source)}` } = this.#link().connection;
    this.#requests ??= new Requests(this.source, {
      replyPrefix,
      send: (...sent) => this.#send(...sent),
      listen: (pattern, take) => this.#subscribe(pattern, take, {}, { inner: true }),
    });
    return this.#requests.ask(topic, message, options);
  }

  /** @throws as {@link subscribe} */
  async respond<T extends string | Topic>(
    topic: T,
    handler: RequestHandler<PayloadOf<T>>,
    options: SubscribeOptions = {},
  ): Promise<Subscription> {
    const answer = this.#answering.handler(handler, (replyto, message) => this.#send(replyto, message, {}));
    checkSubscribe(nameOf(topic), this.#owns);
    const pattern = cancelTopic(nameOf(topic));
    const cancels = await this.#subscribe(pattern, this.#answering.takeCancel, {}, { inner: true });
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
   * @throws {TopicInvalidError} when `topic` is not a pattern
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
    // A payload that passed the schema is of its type; for a plain name the type is unknown.
    const subscription = await this.#all.add(this.#link(), topic, handler as MessageHandler, options, kind);
    if (this.#state.name === 'connected') return subscription;
    await subscription.unsubscribe();
    throw this.#notConnected();
  }

  /** The subscriptions, each with the counts of its messages. */
  get subscriptions(): readonly Subscription[] {
    return this.#all.shown;
  }

  /**
   * Takes no new messages; finishes those that are queued, requests that are being answered and requests that were sent,
   * then closes. Handlers may publish and request meanwhile, not subscribe. A handler that never finishes keeps it from
   * resolving: `close()` cuts it short.
   */
  async drain(): Promise<void> {
    if (this.#state.name !== 'connected') return this.close();
    this.#draining = true;
    await Promise.all([...this.#family].map((client) => client.drain()));
    await this.#state.durable.stop();
    await this.#all.drain();
    await this.#requests?.whenIdle();
    await this.close();
  }

  /** Ends every subscription; queued messages are dropped and running handlers are not waited for. A second call changes nothing. */
  async close(): Promise<void> {
    const state = this.#state;
    if (state.name === 'closed') return;
    await Promise.all([...this.#family].map((client) => client.close()));
    if (state.name === 'connected') await state.durable.stop();
    this.#state = { name: 'closed' };
    if (state.name === 'connected') state.publisher.close();
    this.#requests?.close();
    this.#answering.close(new BusNotConnectedError(this.source, 'closed'));
    await this.#all.close();
    if (this.#parent !== undefined) this.#parent.#family.delete(this);
    if (this.#parent === undefined && state.name === 'connected') await state.connection.close();
  }

  /** How the store at the other end of the transport is asked. */
  #line(): StoreConnection {
    const link = (): Link => this.#link();
    return {
      request: (topic, message, options) => this.#ask(topic, message, options),
      get lost() {
        return link().connection.lost;
      },
    };
  }

  #link(): Link {
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
