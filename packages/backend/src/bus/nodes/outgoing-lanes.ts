import type { Batch, InProcessBus, Receiver } from '@aico/shared/core/bus';
import { FrameWriter } from '@aico/shared/core/bus/frames';
import type { BatchEncoder } from '../queues/batch-encoder.ts';
import { OutgoingQueues } from '../queues/outgoing-queues.ts';
import { RemoteSubscription } from '../queues/remote-subscription.ts';
import { type InterestChange, SHARED_LANE } from './interests.ts';
import type { Interest } from './link-frames.ts';

/** Messages that may be queued for all subscriptions of a peer that do not make publishers wait. */
const SHARED_LIMIT = 65_536;
/** Messages that may be queued for a pattern of subscriptions that do. */
const WAITING_LIMIT = 4_096;

interface OutgoingLanesOptions {
  readonly hub: InProcessBus;
  readonly encoder: BatchEncoder;
  readonly window: number;
  readonly queueBytes: number;
  /** Sends a DELIVER frame with `messages` messages. */
  readonly send: (frame: Buffer, messages: number) => void;
  /** Calls `flush` of the queues soon, when the messages of a burst are in them. */
  readonly flushSoon: (queues: OutgoingQueues) => void;
  readonly onError: (error: unknown) => void;
}

/** Receives the messages of this node for one lane of a peer. */
class LaneReceiver implements Receiver {
  readonly batch = 1;
  readonly subscription: RemoteSubscription;
  readonly #lanes: OutgoingLanes;

  constructor(lanes: OutgoingLanes, subscription: RemoteSubscription) {
    this.#lanes = lanes;
    this.subscription = subscription;
  }

  get waits(): boolean {
    return this.subscription.waits;
  }

  get isReachable(): boolean {
    return this.#lanes.isReachable;
  }

  receive(batch: Batch): Promise<void> | undefined {
    return this.#lanes.take(this.subscription, batch);
  }
}

/** Whether a receiver stands for another node. */
export function isLane(receiver: Receiver): boolean {
  return receiver instanceof LaneReceiver;
}

/** The interests of a peer in the messages of this node, and their queues. */
export class OutgoingLanes {
  readonly queues: OutgoingQueues;
  readonly #options: OutgoingLanesOptions;
  readonly #receivers = new Map<number, LaneReceiver>();
  /** The patterns in the hub, by lane and pattern, each with the function that ends it. */
  readonly #forwards = new Map<string, { readonly change: InterestChange; readonly end: () => void }>();
  /** The number of the last announcement that is in force. */
  applied = 0;
  #whole: { readonly changes: InterestChange[]; last: number } | undefined;
  isReachable = true;
  /** Messages of lanes that have ended, and messages that were published while the peer could not be reached. */
  #dropped = 0;

  constructor(options: OutgoingLanesOptions) {
    this.#options = options;
    this.queues = new OutgoingQueues({
      window: Math.min(options.window, options.queueBytes),
      queueBytes: options.queueBytes,
      writer: new FrameWriter(),
      send: options.send,
      expectAnswer: () => {},
      onFailure: options.onError,
    });
  }

  /** Messages for the peer that were not sent. */
  get dropped(): number {
    let dropped = this.#dropped;
    for (const subscription of this.queues.subscriptions.values()) dropped += subscription.dropped;
    return dropped;
  }

  /** The number of patterns. */
  get patterns(): number {
    return this.#forwards.size;
  }

  take(subscription: RemoteSubscription, batch: Batch): Promise<void> | undefined {
    if (!this.isReachable) {
      this.#dropped += batch.length;
      return undefined;
    }
    const { encoder, flushSoon } = this.#options;
    const encoded = encoder.encode(batch);
    const room = subscription.offer(encoded);
    flushSoon(this.queues);
    return room;
  }

  /** Applies an announcement of the peer. Returns `false` if an earlier one is missing. */
  apply({ number, whole, changes }: Interest): boolean {
    if (whole === 'no') {
      if (number !== this.applied + 1) return false;
      for (const change of changes) this.#change(change);
    } else {
      const isFirst = whole === 'begins' || whole === 'only';
      if (isFirst) this.#whole = { changes: [], last: number - 1 };
      if (this.#whole === undefined || this.#whole.last !== number - 1) return false;
      this.#whole.last = number;
      this.#whole.changes.push(...changes);
      // In force when the last part has arrived.
      if (whole === 'begins' || whole === 'goes-on') return true;
      this.#replace(this.#whole.changes);
      this.#whole = undefined;
    }
    this.applied = number;
    return true;
  }

  /** Drops and counts what is queued; messages are counted as dropped until {@link resume}. */
  suspend(): void {
    this.isReachable = false;
    for (const subscription of this.queues.subscriptions.values()) subscription.dropAll();
  }

  resume(): void {
    this.isReachable = true;
    this.queues.flush();
  }

  /** Lets publishers go on that have waited too long for a full lane. */
  relieve(waitMs: number): void {
    const now = performance.now();
    for (const subscription of this.queues.subscriptions.values())
      if (subscription.fullSince !== undefined && now - subscription.fullSince > waitMs) subscription.stall();
  }

  end(): void {
    this.suspend();
    for (const { end } of this.#forwards.values()) end();
    this.#forwards.clear();
    this.#receivers.clear();
  }

  #replace(all: readonly InterestChange[]): void {
    const kept = new Set(all.map(keyOf));
    for (const [key, { change }] of [...this.#forwards])
      if (!kept.has(key)) this.#change({ ...change, add: false });
    for (const change of all) this.#change(change);
  }

  #change(change: InterestChange): void {
    const key = keyOf(change);
    const known = this.#forwards.get(key);
    if (change.add === (known !== undefined)) return;
    if (known === undefined) {
      const end = this.#options.hub.forward(change.pattern, this.#receiverOf(change));
      this.#forwards.set(key, { change, end });
      return;
    }
    known.end();
    this.#forwards.delete(key);
    if (change.lane === SHARED_LANE) return;
    const subscription = this.queues.subscriptions.get(change.lane);
    this.#dropped += subscription?.dropped ?? 0;
    this.queues.subscriptions.delete(change.lane);
    this.#receivers.delete(change.lane);
    subscription?.end();
  }

  #receiverOf({ lane, pattern }: InterestChange): LaneReceiver {
    let receiver = this.#receivers.get(lane);
    if (receiver === undefined) {
      const waits = lane !== SHARED_LANE;
      const subscription = new RemoteSubscription(
        {
          id: lane,
          pattern,
          limit: waits ? WAITING_LIMIT : SHARED_LIMIT,
          overflow: waits ? 'wait' : 'drop-oldest',
        },
        this.queues,
      );
      this.queues.subscriptions.set(lane, subscription);
      receiver = new LaneReceiver(this, subscription);
      this.#receivers.set(lane, receiver);
    }
    return receiver;
  }
}

function keyOf({ lane, pattern }: InterestChange): string {
  return `${lane} ${pattern}`;
}
