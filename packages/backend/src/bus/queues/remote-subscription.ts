import { BusFullError } from '@aico/shared/core/bus';
import {
  type FrameBatch,
  type FrameWriter,
  MessageQueue,
  type OverflowPolicy,
  type QueuedBatch,
} from '@aico/shared/core/bus/frames';

/** The connection that a queue belongs to. */
export interface QueueOwner {
  /** Sends queued messages for which the window has room. */
  relieve(): void;
  /** Bytes that may still be queued for the whole connection. */
  readonly room: number;
  queued(bytes: number): void;
  /** Notes a request that the client may answer. */
  expectAnswer(replyto: string, deadline: number | undefined): void;
}

/** One subscription of a remote client: its queued messages and the count of dropped ones. */
export class RemoteSubscription {
  readonly id: number;
  readonly pattern: string;
  readonly limit: number;
  readonly overflow: OverflowPolicy;
  readonly owner: QueueOwner;
  readonly #queue = new MessageQueue<FrameBatch>();
  #bytes = 0;
  #dropped = 0;
  /** The number of drops last reported to the client. */
  reported = 0;
  /** The monotonic time since when a queue with policy `wait` has been full. */
  fullSince: number | undefined;
  /** Called once a queue with policy `wait` has room again. */
  readonly waiting = new Set<() => void>();
  #isStalled = false;
  /** Bytes in flight, counted if the policy is `wait`. */
  inFlight = 0;

  constructor(
    {
      id,
      pattern,
      limit,
      overflow,
    }: { id: number; pattern: string; limit: number; overflow: OverflowPolicy },
    owner: QueueOwner,
  ) {
    this.id = id;
    this.pattern = pattern;
    this.limit = limit;
    this.overflow = overflow;
    this.owner = owner;
  }

  /** Whether publishers wait for it. */
  get waits(): boolean {
    return this.overflow === 'wait';
  }

  /** The number of queued messages. */
  get queued(): number {
    return this.#queue.length;
  }

  /** The number of messages dropped so far. */
  get dropped(): number {
    return this.#dropped;
  }

  get isEmpty(): boolean {
    return this.#queue.length === 0;
  }

  /** Whether a publisher has to wait for room. */
  get isFull(): boolean {
    return this.overflow === 'wait' && !this.#isStalled && (this.queued > this.limit || this.owner.room <= 0);
  }

  /** Queues batches of this process. Returns a promise if the publisher is to wait for room; it rejects if they were dropped. */
  offer(batches: readonly FrameBatch[]): Promise<void> | undefined {
    let refused = 0;
    for (const batch of batches) {
      if (this.isFull && this.queued >= this.limit * 2) {
        this.drop(batch.length);
        refused += batch.length;
      } else this.push(batch);
    }
    if (refused > 0) return Promise.reject(new BusFullError(this.pattern, 'refused', 0));
    if (!this.isFull) return undefined;
    return new Promise((resolve) => this.waiting.add(resolve));
  }

  /** Queues a batch, within the limit: see `overflow`. */
  push(batch: FrameBatch): void {
    if (!this.#hasRoom(batch.length)) this.owner.relieve();
    if (this.#hasRoom(batch.length) || (this.overflow === 'wait' && !this.#isStalled)) {
      this.#append(batch, batch.length);
      return;
    }
    if (this.overflow === 'drop-newest') this.#pushFirst(batch);
    else this.#pushLast(batch);
  }

  /**
   * Writes queued messages into `writer` until it holds `enough` bytes.
   * @returns the number of messages written
   */
  drainInto(writer: FrameWriter, enough: number): number {
    let written = 0;
    while (writer.length < enough) {
      const { first } = this.#queue;
      if (first === undefined) return written;
      const { batch, at: from, end } = first;
      const room = enough - writer.length;
      let to = end;
      if (batch.bytes(from, end) > room) {
        to = from + 1;
        while (to < end && batch.bytes(from, to) < room) to += 1;
      }
      // Removed first: a message that cannot be written must not stay at the head of the queue.
      this.#take(first, to - from);
      writer.copy(this.id, batch, from, to);
      written += to - from;
    }
    return written;
  }

  /** Stops applying back-pressure: from here on the oldest messages are dropped, until the queue has room again. */
  stall(): void {
    this.#isStalled = true;
    this.#dropOldest(this.queued - this.limit);
    this.#settle();
  }

  /** Drops and counts all queued messages. */
  dropAll(): void {
    this.#dropOldest(this.queued);
    this.#settle();
  }

  /** Counts dropped messages. */
  drop(count: number): void {
    this.#dropped += count;
  }

  /** Drops all queued messages. */
  end(): void {
    this.owner.queued(-this.#bytes);
    this.#bytes = 0;
    this.#queue.clear();
    this.#settle();
  }

  #hasRoom(count: number): boolean {
    return this.queued + count <= this.limit && this.owner.room > 0;
  }

  #append(batch: FrameBatch, count: number): void {
    const bytes = batch.bytes(0, count);
    this.#queue.push(batch, count);
    this.#bytes += bytes;
    this.owner.queued(bytes);
    if (this.isFull) this.fullSince ??= performance.now();
  }

  /** Queues as many of the first messages as there is room for. */
  #pushFirst(batch: FrameBatch): void {
    const room = this.owner.room > 0 ? Math.max(0, this.limit - this.queued) : 0;
    this.#dropped += batch.length - room;
    if (room > 0) this.#append(batch, room);
  }

  /** Queues all messages, and drops the oldest until they fit. */
  #pushLast(batch: FrameBatch): void {
    this.#append(batch, batch.length);
    this.#dropOldest(this.queued - this.limit);
    while (this.owner.room <= 0 && this.queued > 1) this.#dropOldest(1);
  }

  #dropOldest(count: number): void {
    for (let left = count; left > 0; ) {
      const { first } = this.#queue;
      if (first === undefined) return;
      const taken = Math.min(left, first.end - first.at);
      this.#take(first, taken);
      this.#dropped += taken;
      left -= taken;
    }
  }

  #take(first: QueuedBatch<FrameBatch>, count: number): void {
    const bytes = first.batch.bytes(first.at, first.at + count);
    this.#queue.advance(first, count);
    this.#bytes -= bytes;
    this.owner.queued(-bytes);
    if (this.#isStalled && this.queued <= this.limit / 2) this.#isStalled = false;
    if (this.fullSince !== undefined && !this.isFull) this.#settle();
  }

  #settle(): void {
    this.fullSince = undefined;
    if (this.waiting.size === 0) return;
    const waiting = [...this.waiting];
    this.waiting.clear();
    for (const go of waiting) go();
  }
}
