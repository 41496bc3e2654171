import {
  type Batch,
  type BatchHeader,
  BusFullError,
  contentTypeOf,
  encodeBody,
  failureAnswer,
  type InProcessBus,
  isContentType,
  isHidden,
  isLogTopic,
  PayloadInvalidError,
  REPLY_PREFIX,
  type Receiver,
} from '@aico/shared/core/bus';
import {
  BusProtocolError,
  FRAME_START,
  FrameBatch,
  FrameType,
  FrameWriter,
  FULL_FRAME,
  headerFault,
  MessageTooLargeError,
} from '@aico/shared/core/bus/zeromq';
import type { PeerLines } from '../logs/peer-lines.ts';
import type { LocalSide } from './broker-options.ts';
import type { RemoteSubscription } from './remote-subscription.ts';

interface HubSideOptions {
  readonly hub: InProcessBus;
  /** The largest message body that can be sent to a client, in bytes. */
  readonly messageBytes: number;
  /** Takes the log lines of other processes. Default: they are refused. */
  readonly lines?: PeerLines;
  /** Called with each message that cannot leave this process. */
  readonly onError: (error: unknown) => void;
}

/**
 * Joins the broker to the in-process bus, so that both share one topic space: messages of plugins reach subscriptions of other
 * processes and vice versa.
 */
export class HubSide implements LocalSide {
  readonly #options: HubSideOptions;
  readonly #writer = new FrameWriter();
  /** Headers of messages from other processes, which have already received them. */
  readonly #imported = new WeakSet<BatchHeader>();
  /** The encoded bytes of a batch of this process, shared by all its subscribers. */
  readonly #written = new WeakMap<Batch, readonly FrameBatch[]>();

  constructor(options: HubSideOptions) {
    this.#options = options;
  }

  isSubscribedTo(topic: string): boolean {
    return this.#options.hub.receivers(topic).some((receiver) => !(receiver instanceof RemoteReceiver));
  }

  publish(batch: FrameBatch): Promise<unknown> | undefined {
    const waiting: Promise<void>[] = [];
    let unreadable: Error | undefined;
    this.#imported.add(batch.header);
    for (let index = 0; index < batch.length; index += 1) {
      try {
        const room = this.#publish(batch, index);
        if (room !== undefined) waiting.push(room);
      } catch (error) {
        // A message that cannot be decoded, or that the hub refuses, does not affect the others.
        unreadable = error instanceof Error ? error : new BusProtocolError(String(error));
      }
    }
    if (unreadable !== undefined) throw unreadable;
    return waiting.length === 0 ? undefined : Promise.allSettled(waiting);
  }

  #publish(batch: FrameBatch, index: number): Promise<void> | undefined {
    const { hub, lines } = this.#options;
    const { header } = batch;
    const payload = batch.payload(index);
    if (!isLogTopic(header.topic)) return hub.publish(header, batch.number(index), payload);
    if (lines === undefined)
      throw new PayloadInvalidError(header.topic, [
        { path: '', message: 'cannot be taken: there is no log' },
      ]);
    return lines.take(header, payload);
  }

  subscribe(subscription: RemoteSubscription, changed: () => void): () => void {
    const take = (batch: Batch): Promise<void> | undefined => {
      const { topic, replyto, deadline } = batch.header;
      if (this.#imported.has(batch.header) || isHidden(topic) !== isHidden(subscription.pattern))
        return undefined;
      const written = this.#write(batch);
      const room = pushAll(subscription, written);
      if (replyto !== undefined && written.length > 0 && !isHidden(topic))
        subscription.owner.expectAnswer(replyto, deadline);
      changed();
      return room;
    };
    return this.#options.hub.subscribe(
      subscription.pattern,
      new RemoteReceiver(subscription.overflow === 'wait', take),
    );
  }

  /** The encoded messages, created once for any number of subscribers. */
  #write(batch: Batch): readonly FrameBatch[] {
    let written = this.#written.get(batch);
    if (written === undefined) {
      written = this.#encode(batch);
      this.#written.set(batch, written);
    }
    return written;
  }

  /** Encodes a batch, as several if it is large. A value that cannot be encoded, such as a Map, stays within this process. */
  #encode(batch: Batch): readonly FrameBatch[] {
    const { header } = batch;
    const written: FrameBatch[] = [];
    const fault = headerFault(header);
    let messages = 0;
    let offsets: number[] = [];
    const end = (): void => {
      if (offsets.length > 1) {
        const frame = this.#writer.finish(FrameType.DELIVER, 0);
        const place = { frame, start: FRAME_START + 6, messages };
        written.push(new FrameBatch(header, place, Uint32Array.from(offsets)));
      }
      this.#writer.discard();
      offsets = [];
    };
    for (let index = 0; index < batch.length; index += 1) {
      try {
        if (fault !== undefined)
          throw new PayloadInvalidError(header.topic, [{ path: `/${fault.name}`, message: fault.reason }]);
        const content = this.#contentOf(header, batch.payload(index));
        if (offsets.length === 0) {
          messages = this.#writer.beginBatch(header);
          offsets.push(0);
        }
        this.#writer.message(batch.number(index), content);
        offsets.push(this.#writer.length - messages);
      } catch (error) {
        this.#options.onError(error);
      }
      if (this.#writer.length >= FULL_FRAME) end();
    }
    end();
    return written;
  }

  #contentOf(header: BatchHeader, payload: unknown): string | Uint8Array {
    const { topic, contentType } = header;
    const { messageBytes } = this.#options;
    try {
      const content = encodeBody(
        topic,
        payload,
        isContentType(contentType) ? contentType : contentTypeOf(payload),
      );
      const bytes = Buffer.byteLength(content);
      if (bytes > messageBytes) throw new MessageTooLargeError(topic, bytes, messageBytes);
      return content;
    } catch (error) {
      if (!topic.startsWith(REPLY_PREFIX)) throw error;
      // The requester in the other process gets an error immediately, since the answer cannot be sent.
      this.#options.onError(error);
      return JSON.stringify(failureAnswer(error));
    }
  }
}

/** Returns a promise if the publisher is to wait for room. If it does not wait, its messages are dropped and counted. */
function pushAll(
  subscription: RemoteSubscription,
  batches: readonly FrameBatch[],
): Promise<void> | undefined {
  let refused = 0;
  for (const batch of batches) {
    if (subscription.isFull && subscription.queued >= subscription.limit * 2) {
      subscription.drop(batch.length);
      refused += batch.length;
    } else subscription.push(batch);
  }
  if (refused > 0) return Promise.reject(new BusFullError(subscription.pattern, 'refused', 0));
  if (!subscription.isFull) return undefined;
  return new Promise((resolve) => subscription.waiting.add(resolve));
}

class RemoteReceiver implements Receiver {
  readonly waits: boolean;
  readonly batch = 1;
  readonly receive: (batch: Batch) => Promise<void> | undefined;

  constructor(waits: boolean, receive: (batch: Batch) => Promise<void> | undefined) {
    this.waits = waits;
    this.receive = receive;
  }
}
