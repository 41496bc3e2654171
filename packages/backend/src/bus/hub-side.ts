import {
  type InProcessBus,
  isContentType,
  type MessageHead,
  type MessageRun,
  type Receiver,
} from '@aico/shared/core/bus';
import {
  decodePayload,
  encodePayload,
  FrameType,
  FrameWriter,
  MESSAGE_OVERHEAD,
  NO_NUMBER,
  type Run,
  type RunHead,
  readRun,
} from '@aico/shared/core/bus/zeromq';
import type { LocalSide } from './broker.ts';
import type { RemoteSubscription } from './remote-subscription.ts';
import { isReserved } from './rights.ts';

/** What lies before the first run of a frame. */
const FRAME_START = 5;

/**
 * Joins the broker to the bus within this process, so that both are one space of topics: what plugins publish reaches
 * the other processes' subscriptions, and the other way round.
 */
export class HubSide implements LocalSide {
  readonly #hub: InProcessBus;
  readonly #onError: (error: unknown) => void;
  readonly #writer = new FrameWriter();
  /** Set while a message from outside is published within: it has reached the other processes already. */
  #isImporting = false;
  /** What was written of a run within this process, for all who subscribe to it. */
  readonly #written = new WeakMap<MessageRun, readonly (Run | undefined)[]>();

  constructor(hub: InProcessBus, onError: (error: unknown) => void) {
    this.#hub = hub;
    this.#onError = onError;
  }

  hears(topic: string): boolean {
    return this.#hub.receivers(topic).some((receiver) => !(receiver instanceof RemoteReceiver));
  }

  publish(run: Run, head: RunHead): void {
    const { topic, source, timeMs, contentType, idPrefix, traceparent, replyto } = head;
    const common: MessageHead = {
      type: topic,
      source,
      timeMs,
      idPrefix,
      id: undefined,
      traceparent,
      replyto,
      expiresMs: undefined,
      contentType: isContentType(contentType) ? contentType : undefined,
      checkedBy: undefined,
    };
    const { frame, end } = run;
    // What plugins have published reaches the queues before, and this run within: only it is from outside.
    this.#hub.dispatcher.settle();
    this.#isImporting = true;
    try {
      for (let at = run.messages; at < end; ) {
        const number = frame.readUIntBE(at, 6);
        const body = at + MESSAGE_OVERHEAD;
        at = body + frame.readUInt32BE(at + 6);
        const payload = decodePayload(contentType, frame.subarray(body, at), topic);
        void this.#hub.publish(number === NO_NUMBER ? { ...common, id: idPrefix } : common, number, payload);
      }
      this.#hub.dispatcher.settle();
    } finally {
      this.#isImporting = false;
    }
  }

  subscribe(subscription: RemoteSubscription, changed: () => void): () => void {
    return this.#hub.subscribe(
      subscription.pattern,
      new RemoteReceiver((messages) => {
        if (this.#isImporting || isReserved(messages.head.type) !== isReserved(subscription.pattern)) return;
        for (const run of this.#write(messages)) {
          if (run === undefined) continue;
          const { frame, header, end, count } = run;
          // Plugins do not wait for other processes: a queue that is full loses messages, and counts them.
          if (subscription.isFull) subscription.stall();
          subscription.push({ frame, header, headerEnd: run.messages, from: run.messages, end, count });
        }
        changed();
      }),
    );
  }

  /** The messages as they travel; made once, however many subscribe to them. */
  #write(messages: MessageRun): readonly (Run | undefined)[] {
    let runs = this.#written.get(messages);
    if (runs === undefined) {
      const { head, sequence, payloads } = messages;
      runs = payloads.map((payload, index) => this.#encode(head, sequence + index, payload));
      this.#written.set(messages, runs);
    }
    return runs;
  }

  #encode(head: MessageHead, sequence: number, payload: unknown): Run | undefined {
    try {
      const { contentType, content } = encodePayload(head.type, payload, head.contentType);
      const { type: topic, source, timeMs, idPrefix, id, traceparent, replyto } = head;
      const common = { topic, source, timeMs, contentType, idPrefix: id ?? idPrefix, traceparent, replyto };
      this.#writer.beginRun(common, common);
      this.#writer.message(id === undefined ? sequence : NO_NUMBER, content);
      return readRun(this.#writer.finish(FrameType.DELIVER, 0), FRAME_START);
    } catch (error) {
      // Not data that can travel, such as a Map: it stays within this process.
      this.#writer.finish(FrameType.DELIVER, 0);
      this.#onError(error);
      return undefined;
    }
  }
}

class RemoteReceiver implements Receiver {
  readonly waits = false;
  readonly #take: (run: MessageRun) => void;

  constructor(take: (run: MessageRun) => void) {
    this.#take = take;
  }

  receive(head: MessageHead, sequence: number, payload: unknown): undefined {
    this.#take({ head, sequence, payloads: [payload], copied: false });
  }

  refuse(): void {}

  receiveRun(run: MessageRun): undefined {
    this.#take(run);
  }
}
