import type { TSchema } from 'typebox';
import { currentTraceparent } from '../../tracing/index.ts';
import type { DurableClient } from '../durable/durable-client.ts';
import { ACCEPTED, type BatchHeader, NO_NUMBER, type OpenBatch } from '../messages/batch.ts';
import { contentTypeOf } from '../messages/codec.ts';
import { checkAttributes, createIdPrefix, type MessageAttributes } from '../messages/message.ts';
import type { PublishOptions, Topic } from '../publish-options.ts';
import { checkPublish, type TopicOwner } from '../topics/reserved-topics.ts';
import type { SchemaChecks } from '../topics/schema-checks.ts';
import type { TransportConnection } from '../transports/transport.ts';
import type { Dispatcher } from './dispatcher.ts';

interface PublisherOptions {
  readonly source: string;
  /** The owners whose reserved topics the client may use. */
  readonly owns: readonly TopicOwner[];
  readonly checks: SchemaChecks;
  readonly connection: TransportConnection;
  readonly dispatcher: Dispatcher;
  readonly durable: DurableClient;
}

/** Publishes the messages of one connected client: numbers them, and gathers the messages of a burst in one batch. */
export class Publisher {
  readonly #options: PublisherOptions;
  /** The header of the last message, and its time. A burst shares both, since reading the clock costs more than publishing. */
  #header: BatchHeader | undefined;
  #now = 0;
  /** The batch to which the client's next messages can be added. */
  #open: OpenBatch | undefined;
  readonly #idPrefix = createIdPrefix();
  #number = 0;
  /** The last topic that passed `checkPublish`. */
  #allowed: string | Topic | undefined;
  #isClosed = false;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** Implements `MessageBusClient.publish`. */
  publish(topic: string | Topic, message: unknown, options: PublishOptions | undefined): Promise<void> {
    const open = this.#open;
    if (
      open !== undefined &&
      options === undefined &&
      open.header.topic === topic &&
      open.header.traceparent === currentTraceparent()
    ) {
      const added = open.add(message);
      if (added !== undefined) return added;
    }
    const { source, owns, durable, connection } = this.#options;
    if (topic !== this.#allowed) {
      const name = typeof topic === 'string' ? topic : topic.name;
      try {
        if (name !== connection.logTopic) checkPublish(name, owns);
      } catch (error) {
        return Promise.reject(error);
      }
      this.#allowed = topic;
    }
    if (options?.durable !== true && options?.tx === undefined) return this.send(topic, message, options);
    return durable.keep(source, topic, message, options, (attributes) => {
      // The message is already stored, so an error of its live delivery is ignored.
      if (!this.#isClosed) void this.send(topic, message, attributes).catch(() => {});
    });
  }

  /** Publishes a message without checking for reserved topics; answers and cancellations use it directly. */
  send(topic: string | Topic, message: unknown, attributes: MessageAttributes | undefined): Promise<void> {
    const { checks, connection, dispatcher } = this.#options;
    let name: string;
    let schema: TSchema | undefined;
    if (typeof topic === 'string') {
      name = topic;
    } else {
      ({ name, schema } = topic);
      try {
        checks.check(name, schema, message);
      } catch (error) {
        return Promise.reject(error);
      }
    }
    let header = this.#header;
    if (
      header === undefined ||
      header.topic !== name ||
      header.checkedBy !== schema ||
      attributes !== undefined ||
      header.traceparent !== currentTraceparent() ||
      header.contentType !== contentTypeOf(message)
    )
      header = this.#createHeader(name, schema, message, attributes);
    this.#number = this.#open?.next ?? this.#number + 1;
    const number = attributes?.id === undefined ? this.#number : NO_NUMBER;
    let sent: Promise<void> | undefined;
    try {
      if (attributes !== undefined) checkAttributes(name, message, attributes);
      sent = connection.publish(header, number, message);
    } catch (error) {
      return Promise.reject(error);
    }
    const { relief } = dispatcher;
    const { gathering } = connection;
    // Messages with a schema or attributes are checked one by one, and with `relief` the publisher has to wait for each.
    const isFree = schema === undefined && attributes === undefined && relief === undefined;
    this.#open = isFree && gathering?.header === header ? gathering : undefined;
    if (sent === undefined) return relief ?? ACCEPTED;
    return relief === undefined ? sent : sent.then(() => relief);
  }

  close(): void {
    this.#isClosed = true;
    this.#closeBatch();
  }

  /** Continues the numbering after the messages that were added to the open batch directly. */
  #closeBatch(): void {
    if (this.#open !== undefined) this.#number = this.#open.next - 1;
    this.#open = undefined;
  }

  #createHeader(
    topic: string,
    checkedBy: TSchema | undefined,
    message: unknown,
    attributes: MessageAttributes | undefined,
  ): BatchHeader {
    if (this.#now === 0) {
      this.#now = Date.now();
      queueMicrotask(this.#endBurst);
    }
    const header: BatchHeader = {
      topic,
      source: this.#options.source,
      timeMs: this.#now,
      idPrefix: attributes?.id ?? this.#idPrefix,
      traceparent: attributes?.traceparent ?? currentTraceparent(),
      replyto: attributes?.replyto,
      deadline: attributes?.deadline,
      contentType: attributes?.contentType ?? contentTypeOf(message),
      checkedBy,
    };
    if (attributes === undefined) this.#header = header;
    return header;
  }

  readonly #endBurst = (): void => {
    this.#now = 0;
    this.#header = undefined;
    this.#closeBatch();
  };
}
