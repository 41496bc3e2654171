import { parseJson, parsePattern, parseTopic } from '@aico/protocol';
import { currentTraceparent, withTraceparent } from '../../tracing/index.ts';
import { BusNotConnectedError, BusNotDurableError } from '../errors.ts';
import { contentTypeOf, decodeBody, encodeBody } from '../messages/codec.ts';
import { checkAttributes, createIdPrefix, type MessageAttributes } from '../messages/message.ts';
import type { PublishOptions, Topic } from '../publish-options.ts';
import type { SchemaChecks } from '../topics/schema-checks.ts';
import { checkConsumer } from './rules.ts';
import type {
  ConsumeHandler,
  ConsumeOptions,
  Consumption,
  Delivery,
  DeliveryState,
  DurableStore,
  StoredMessage,
} from './types.ts';

/** The part of a client that publishes and consumes durable messages. */
export class DurableClient {
  readonly #store: () => DurableStore | undefined;
  readonly #checks: SchemaChecks;
  readonly #consumptions = new Set<Consumption>();
  /** Ids ascend, so that messages stored one after the other are neighbours in the index of ids. */
  readonly #idPrefix = createIdPrefix();
  #sequence = 0;
  #isStopped = false;

  /** @param store is called for each operation, since a backend opens and closes its store while clients exist */
  constructor(store: () => DurableStore | undefined, checks: SchemaChecks) {
    this.#store = store;
    this.#checks = checks;
  }

  get store(): DurableStore | undefined {
    return this.#store();
  }

  /** Stores a message; `onStored` is called with its attributes once the message is durable. */
  async keep(
    source: string,
    topic: string | Topic,
    message: unknown,
    options: PublishOptions,
    onStored: (attributes: MessageAttributes) => void,
  ): Promise<void> {
    const { store } = this;
    if (store === undefined) throw new BusNotDurableError();
    const { tx, id = this.#nextId(), contentType = contentTypeOf(message) } = options;
    const { traceparent = currentTraceparent() } = options;
    const name = typeof topic === 'string' ? topic : topic.name;
    parseTopic(name);
    checkAttributes(name, message, { id, traceparent, contentType });
    if (typeof topic !== 'string') this.#checks.check(name, topic.schema, message);
    const body = encodeBody(name, message, contentType);
    await store.append({ id, topic: name, source, contentType, body, traceparent }, tx);
    const stored = (): void => onStored({ id, traceparent, contentType });
    if (tx === undefined) stored();
    else tx.afterCommit(stored);
  }

  async consume(
    source: string,
    topic: string | Topic,
    consumer: string,
    handler: ConsumeHandler,
    options: ConsumeOptions,
  ): Promise<Consumption> {
    const { store } = this;
    if (store === undefined) throw new BusNotDurableError();
    const pattern = typeof topic === 'string' ? topic : topic.name;
    const schema = typeof topic === 'string' ? undefined : topic.schema;
    parsePattern(pattern);
    checkConsumer(consumer, options);
    const consumption = await store.consume(
      pattern,
      consumer,
      async (stored, state) => {
        const data = payloadOf(stored);
        if (schema !== undefined) this.#checks.check(stored.topic, schema, data);
        const delivery = deliveryOf(stored, data, state);
        await withTraceparent(stored.traceparent, () => handler(stored.topic, data, delivery));
      },
      options,
    );
    if (this.#isStopped) {
      await consumption.stop();
      throw new BusNotConnectedError(source, 'closed');
    }
    this.#consumptions.add(consumption);
    return {
      consumer,
      whenIdle: () => consumption.whenIdle(),
      stop: async () => {
        this.#consumptions.delete(consumption);
        await consumption.stop();
      },
    };
  }

  #nextId(): string {
    this.#sequence += 1;
    return this.#idPrefix + this.#sequence.toString(16).padStart(12, '0');
  }

  /** Stops every consumer, including those that are being opened. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    const all = [...this.#consumptions];
    this.#consumptions.clear();
    await Promise.all(all.map((consumption) => consumption.stop()));
  }
}

function payloadOf({ topic, body, contentType }: StoredMessage): unknown {
  return typeof body === 'string' ? parseJson(body) : decodeBody(topic, body, contentType);
}

function deliveryOf(
  stored: StoredMessage & { readonly timeMs: number },
  data: unknown,
  state: DeliveryState,
): Delivery {
  return {
    id: stored.id,
    source: stored.source,
    type: stored.topic,
    time: new Date(stored.timeMs).toISOString(),
    datacontenttype: stored.contentType,
    ...(stored.traceparent === undefined ? {} : { traceparent: stored.traceparent }),
    data,
    ...state,
  };
}
