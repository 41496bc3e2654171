import {
  type FrameBatch,
  type FrameWriter,
  MessageQueue,
  type OverflowPolicy,
  type QueuedBatch,
} from '@aico/shared/core/bus/zeromq';

/** The connection that a queue belongs to. */
export interface QueueOwner {
  /** Sends what the window has room for. */
  relieve(): void;
  /** Bytes that may still be queued for the connection as a whole. */
  readonly room: number;
  queued(bytes: number): void;
  /** A request that its client may answer goes to it. */
  expectAnswer(replyto: string, deadline: number | undefined): void;
}

/** One subscription of a remote client: the messages that wait to be sent to it, and the count of those dropped. */
export class RemoteSubscription {
  readonly id: number;
  readonly pattern: string;
  readonly limit: number;
  readonly overflow: OverflowPolicy;
  readonly owner: QueueOwner;
  readonly #queue = new MessageQueue<FrameBatch>();
  #bytes = 0;
  #dropped = 0;
  /** The number of drops that the client was told last. */
  reported = 0;
  /** Since when, by the monotonic clock, a queue whose policy is `wait` has been too long. */
  fullSince: number | undefined;
  /** Told once a queue whose policy is `wait` is short enough again. */
  readonly waiting = new Set<() => void>();
  #isStalled = false;
  /** Bytes on their way to it, where it makes publishers wait. */
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

  /** How many messages wait. */
  get queued(): number {
    return this.#queue.length;
  }

  /** How many messages were dropped since it began. */
  get dropped(): number {
    return this.#dropped;
  }

  get isEmpty(): boolean {
    return this.#queue.length === 0;
  }

  /** Whether a publisher has to wait until it is shorter. */
  get isFull(): boolean {
    return this.overflow === 'wait' && !this.#isStalled && (this.queued > this.limit || this.owner.room <= 0);
  }

  /** Takes a batch, within the limit: see `overflow`. */
  push(batch: FrameBatch): void {
    if (!this.#hasRoom(batch.length)) this.owner.relieve();
    if (this.#hasRoom(batch.length) || (this.overflow === 'wait' && !this.#isStalled)) {
      this.#append(batch, batch.length);
      return;
    }
    if (this.overflow === 'drop-newest') this.#pushFirst(batch);
    else this.#pushLast(batch);
  }

  /** Writes what waits into `writer` until it holds `enough` bytes, and says how many messages that were. */
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
      // First: what cannot be written must not stay at the head of the queue.
      this.#take(first, to - from);
      writer.copy(this.id, batch, from, to);
      written += to - from;
    }
    return written;
  }

  /** Gives up waiting for it: from here on it loses its oldest messages, until it has caught up. */
  stall(): void {
    this.#isStalled = true;
    this.#dropOldest(this.queued - this.limit);
    this.#settle();
  }

  /** Counts messages that were not taken. */
  drop(count: number): void {
    this.#dropped += count;
  }

  /** Lets go of all that waits. */
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

  /** Takes as many of the first as there is room for. */
  #pushFirst(batch: FrameBatch): void {
    const room = this.owner.room > 0 ? Math.max(0, this.limit - this.queued) : 0;
    this.#dropped += batch.length - room;
    if (room > 0) this.#append(batch, room);
  }

  /** Takes all, and drops the oldest until it fits. */
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
