import {
  type Batch,
  type BatchHeader,
  type HubSubscription,
  type InProcessBus,
  isHidden,
  isLogTopic,
  PayloadInvalidError,
  type Receiver,
} from '@aico/shared/core/bus';
import { BusProtocolError, type FrameBatch } from '@aico/shared/core/bus/frames';
import type { PeerLines } from '../logs/peer-lines.ts';
import { BatchEncoder } from '../queues/batch-encoder.ts';
import type { RemoteSubscription } from '../queues/remote-subscription.ts';
import type { LocalSide } from './broker-options.ts';

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
  readonly #encoder: BatchEncoder;
  /** Headers of messages from other processes, which have already received them. */
  readonly #imported = new WeakSet<BatchHeader>();

  constructor(options: HubSideOptions) {
    this.#options = options;
    this.#encoder = new BatchEncoder(options);
  }

  isSubscribedTo(topic: string): boolean {
    return this.#options.hub.receivers(topic).some((receiver) => !(receiver instanceof RemoteReceiver));
  }

  isAnswered(topic: string): boolean {
    return this.#options.hub.isAnswered(topic);
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

  subscribe(subscription: RemoteSubscription, changed: () => void): HubSubscription {
    const take = (batch: Batch): Promise<void> | undefined => {
      const { topic, replyto, deadline } = batch.header;
      if (this.#imported.has(batch.header) || isHidden(topic) !== isHidden(subscription.pattern))
        return undefined;
      const written = this.#encoder.encode(batch);
      const room = subscription.offer(written);
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
}

/** Puts the messages of the hub into the queue of a subscription of another process. */
class RemoteReceiver implements Receiver {
  readonly waits: boolean;
  readonly batch = 1;
  readonly receive: (batch: Batch) => Promise<void> | undefined;

  constructor(waits: boolean, receive: (batch: Batch) => Promise<void> | undefined) {
    this.waits = waits;
    this.receive = receive;
  }
}
