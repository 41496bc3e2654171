import type { InProcessBus, MessageHead, Receiver } from '@aico/shared/core/bus';
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
  #lastHead: MessageHead | undefined;
  #lastSequence = 0;
  #lastRun: Run | undefined;

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
      checkedBy: undefined,
    };
    const { frame, end } = run;
    this.#isImporting = true;
    try {
      for (let at = run.messages; at < end; ) {
        const number = frame.readUIntBE(at, 6);
        const body = at + MESSAGE_OVERHEAD;
        at = body + frame.readUInt32BE(at + 6);
        const payload = decodePayload(contentType, frame.subarray(body, at));
        this.#hub.publish(number === NO_NUMBER ? { ...common, id: idPrefix } : common, number, payload);
      }
    } finally {
      this.#isImporting = false;
    }
  }

  subscribe(subscription: RemoteSubscription, changed: () => void): () => void {
    return this.#hub.subscribe(
      subscription.pattern,
      new RemoteReceiver((head, sequence, payload) => {
        if (this.#isImporting || isReserved(head.type) !== isReserved(subscription.pattern)) return;
        const run = this.#encode(head, sequence, payload);
        if (run === undefined) return;
        const { frame, header, messages, end, count } = run;
        // Plugins do not wait for other processes: a queue that is full loses messages, and counts them.
        if (subscription.isFull) subscription.stall();
        subscription.push({ frame, header, headerEnd: messages, from: messages, end, count });
        changed();
      }),
    );
  }

  /** The message as it travels; made once, however many subscribe to it. */
  #encode(head: MessageHead, sequence: number, payload: unknown): Run | undefined {
    if (head === this.#lastHead && sequence === this.#lastSequence) return this.#lastRun;
    this.#lastHead = head;
    this.#lastSequence = sequence;
    this.#lastRun = undefined;
    try {
      const { contentType, content } = encodePayload(head.type, payload);
      const { type: topic, source, timeMs, idPrefix, id, traceparent, replyto } = head;
      const common = { topic, source, timeMs, contentType, idPrefix: id ?? idPrefix, traceparent, replyto };
      this.#writer.beginRun(common, common);
      this.#writer.message(id === undefined ? sequence : NO_NUMBER, content);
      this.#lastRun = readRun(this.#writer.finish(FrameType.DELIVER, 0), FRAME_START);
    } catch (error) {
      // Not data that can travel, such as a Map: it stays within this process.
      this.#writer.finish(FrameType.DELIVER, 0);
      this.#onError(error);
    }
    return this.#lastRun;
  }
}

class RemoteReceiver implements Receiver {
  readonly receive: Receiver['receive'];

  constructor(receive: Receiver['receive']) {
    this.receive = receive;
  }
}
