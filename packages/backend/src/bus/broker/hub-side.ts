import {
  BusFullError,
  contentTypeOf,
  encodeBody,
  type InProcessBus,
  isHidden,
  type MessageHead,
  type MessageRun,
  PayloadInvalidError,
  type Receiver,
} from '@aico/shared/core/bus';
import {
  BusProtocolError,
  FrameType,
  FrameWriter,
  headFault,
  NO_NUMBER,
  type Run,
  type RunHead,
  readMessages,
  readRun,
  timeLeftUntil,
} from '@aico/shared/core/bus/zeromq';
import type { LocalSide } from './broker-options.ts';
import type { RemoteSubscription } from './remote-subscription.ts';

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
  /** Heads of messages from outside: those have reached the other processes already. */
  readonly #imported = new WeakSet<MessageHead>();
  /** What was written of a run within this process, for all who subscribe to it. */
  readonly #written = new WeakMap<MessageRun, readonly Run[]>();

  constructor(hub: InProcessBus, onError: (error: unknown) => void) {
    this.#hub = hub;
    this.#onError = onError;
  }

  hears(topic: string): boolean {
    return this.#hub.receivers(topic).some((receiver) => !(receiver instanceof RemoteReceiver));
  }

  publish(run: Run, head: RunHead): Promise<unknown> | undefined {
    const waiting: Promise<void>[] = [];
    let unreadable: Error | undefined;
    const runs = readMessages(run, head, (error) => (unreadable = error));
    for (const { head: common, sequence, payloads } of runs) {
      this.#imported.add(common);
      for (const [index, payload] of payloads.entries()) {
        try {
          const room = this.#hub.publish(common, sequence + index, payload);
          if (room !== undefined) waiting.push(room);
        } catch (error) {
          // One message that the hub refuses does not keep the others of its run from their subscribers.
          unreadable = error instanceof Error ? error : new BusProtocolError(String(error));
        }
      }
    }
    if (unreadable !== undefined) throw unreadable;
    return waiting.length === 0 ? undefined : Promise.allSettled(waiting);
  }

  subscribe(subscription: RemoteSubscription, changed: () => void): () => void {
    const take = (messages: MessageRun): Promise<void> | undefined => {
      const { head } = messages;
      if (this.#imported.has(head) || isHidden(head.type) !== isHidden(subscription.pattern))
        return undefined;
      const runs = this.#write(messages);
      const room = pushAll(subscription, runs, head.deadline);
      if (head.replyto !== undefined && runs.length > 0 && !isHidden(head.type))
        subscription.owner.expectAnswer(head.replyto, head.deadline);
      changed();
      return room;
    };
    const waits = subscription.overflow === 'wait';
    return this.#hub.subscribe(subscription.pattern, new RemoteReceiver(waits, take));
  }

  /** The messages as they travel; made once, however many subscribe to them. */
  #write(messages: MessageRun): readonly Run[] {
    let runs = this.#written.get(messages);
    if (runs === undefined) {
      runs = this.#encode(messages);
      this.#written.set(messages, runs);
    }
    return runs;
  }

  #encode({ head, sequence, payloads }: MessageRun): readonly Run[] {
    const { type: topic, source, timeMs, deadline, idPrefix, id, traceparent, replyto } = head;
    const runs: Run[] = [];
    for (const [index, payload] of payloads.entries()) {
      const contentType = head.contentType ?? contentTypeOf(payload);
      try {
        const content = encodeBody(topic, payload, contentType);
        const common: RunHead = {
          topic,
          source,
          timeMs,
          timeLeftMs: deadline === undefined ? undefined : timeLeftUntil(deadline),
          contentType,
          idPrefix: id ?? idPrefix,
          traceparent,
          replyto,
        };
        const fault = headFault(common);
        if (fault !== undefined)
          throw new PayloadInvalidError(topic, [{ path: `/${fault.name}`, message: fault.reason }]);
        this.#writer.beginRun(common, common);
        this.#writer.message(id === undefined ? sequence + index : NO_NUMBER, content);
      } catch (error) {
        // Not data that can travel, such as a Map: it stays within this process.
        this.#writer.discard();
        this.#onError(error);
        continue;
      }
      const run = readRun(this.#writer.finish(FrameType.DELIVER, 0), FRAME_START);
      if (run !== undefined) runs.push(run);
    }
    return runs;
  }
}

/** A promise where the publisher is to wait for room; one who does not wait finds its messages dropped, and counted. */
function pushAll(
  subscription: RemoteSubscription,
  runs: readonly Run[],
  deadline: number | undefined,
): Promise<void> | undefined {
  let refused = 0;
  for (const run of runs) {
    const { frame, header, end, count } = run;
    if (subscription.isFull && subscription.queued >= subscription.limit * 2) {
      subscription.drop(count);
      refused += count;
    } else {
      const headerEnd = run.messages;
      subscription.push({ frame, header, headerEnd, from: headerEnd, end, count, deadline });
    }
  }
  if (refused > 0) return Promise.reject(new BusFullError(subscription.pattern, 'refused', 0));
  if (!subscription.isFull) return undefined;
  return new Promise((resolve) => subscription.waiting.add(resolve));
}

class RemoteReceiver implements Receiver {
  readonly waits: boolean;
  readonly batch = 1;
  readonly #take: (run: MessageRun) => Promise<void> | undefined;

  constructor(waits: boolean, take: (run: MessageRun) => Promise<void> | undefined) {
    this.waits = waits;
    this.#take = take;
  }

  receive(head: MessageHead, sequence: number, payload: unknown): Promise<void> | undefined {
    return this.#take({ head, sequence, payloads: [payload], copied: false });
  }

  /** What comes from within this process is never encoded. */
  refuse(): void {}

  receiveRun(run: MessageRun): Promise<void> | undefined {
    return this.#take(run);
  }
}
