import {
  type CopiedRun,
  type FrameWriter,
  type OverflowPolicy,
  skipMessages,
} from '@aico/shared/core/bus/zeromq';

/** Messages of one run that wait: header and messages lie in `frame`. */
export interface WaitingRun extends CopiedRun {
  /** Where the messages begin that have not been sent yet. */
  from: number;
  readonly end: number;
  count: number;
}

/** Who is told of what a queue does. */
export interface QueueOwner {
  /** Sends what the window has room for. */
  relieve(): void;
  /** Bytes that may still be queued for the connection as a whole. */
  readonly room: number;
  queued(bytes: number): void;
  /** A request that its client may answer goes to it. */
  expectAnswer(replyto: string, deadline: number | undefined): void;
}

/** One subscription of a remote client: what waits to be sent to it, and what had to be dropped. */
export class RemoteSubscription {
  readonly id: number;
  readonly pattern: string;
  readonly limit: number;
  readonly overflow: OverflowPolicy;
  readonly owner: QueueOwner;
  readonly #queue: WaitingRun[] = [];
  #queued = 0;
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
    return this.#queued;
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
    return (
      this.overflow === 'wait' && !this.#isStalled && (this.#queued > this.limit || this.owner.room <= 0)
    );
  }

  /** Takes the messages of `run`, within the limit: see `overflow`. */
  push(run: WaitingRun): void {
    if (!this.#hasRoom(run.count)) this.owner.relieve();
    if (this.#hasRoom(run.count) || (this.overflow === 'wait' && !this.#isStalled)) {
      this.#append(run);
      return;
    }
    if (this.overflow === 'drop-newest') this.#pushFirst(run);
    else this.#pushLast(run);
  }

  /** Writes what waits into `writer` until it holds `enough` bytes, and says how many messages that were. */
  drainInto(writer: FrameWriter, enough: number): number {
    let written = 0;
    while (writer.length < enough) {
      const run = this.#queue[0];
      if (run === undefined) return written;
      const { from } = run;
      const room = enough - writer.length;
      let taken = run.count;
      let to = run.end;
      if (to - from > room) {
        taken = 0;
        to = from;
        while (taken < run.count && (taken === 0 || to - from < room)) {
          to = skipMessages(run.frame, to, 1);
          taken += 1;
        }
      }
      // First: what cannot be written must not stay at the head of the queue.
      this.#take(run, taken, to);
      writer.copyRun(this.id, run, from, to);
      written += taken;
    }
    return written;
  }

  /** Gives up waiting for it: from here on it loses its oldest messages, until it has caught up. */
  stall(): void {
    this.#isStalled = true;
    this.#dropOldest(this.#queued - this.limit);
    this.#settle();
  }

  /** Counts messages that were not taken. */
  drop(count: number): void {
    this.#dropped += count;
  }

  /** Lets go of all that waits. */
  end(): void {
    this.owner.queued(-this.#bytes());
    this.#queue.length = 0;
    this.#queued = 0;
    this.#settle();
  }

  #hasRoom(count: number): boolean {
    return this.#queued + count <= this.limit && this.owner.room > 0;
  }

  #append(run: WaitingRun): void {
    this.#queue.push(run);
    this.#queued += run.count;
    this.owner.queued(run.end - run.from);
    if (this.isFull) this.fullSince ??= performance.now();
  }

  /** Takes as many of the first as there is room for. */
  #pushFirst(run: WaitingRun): void {
    const room = this.owner.room > 0 ? Math.max(0, this.limit - this.#queued) : 0;
    this.#dropped += run.count - room;
    if (room === 0) return;
    const end = skipMessages(run.frame, run.from, room);
    this.#append({ ...run, end, count: room });
  }

  /** Takes all, and drops the oldest until it fits. */
  #pushLast(run: WaitingRun): void {
    this.#append(run);
    this.#dropOldest(this.#queued - this.limit);
    while (this.owner.room <= 0 && this.#queued > 1) this.#dropOldest(1);
  }

  #dropOldest(count: number): void {
    let left = count;
    while (left > 0) {
      const run = this.#queue[0];
      if (run === undefined) return;
      const taken = Math.min(left, run.count);
      const to = taken === run.count ? run.end : skipMessages(run.frame, run.from, taken);
      this.#take(run, taken, to);
      this.#dropped += taken;
      left -= taken;
    }
  }

  #take(run: WaitingRun, count: number, to: number): void {
    this.owner.queued(run.from - to);
    this.#queued -= count;
    run.count -= count;
    run.from = to;
    if (run.count === 0) this.#queue.shift();
    if (this.#isStalled && this.#queued <= this.limit / 2) this.#isStalled = false;
    if (this.fullSince !== undefined && !this.isFull) this.#settle();
  }

  #settle(): void {
    this.fullSince = undefined;
    if (this.waiting.size === 0) return;
    const waiting = [...this.waiting];
    this.waiting.clear();
    for (const go of waiting) go();
  }

  #bytes(): number {
    return this.#queue.reduce((sum, { from, end }) => sum + end - from, 0);
  }
}

/** The part of `frame` as memory of its own where keeping the whole frame alive would cost more than twice as much. */
export function detached(run: WaitingRun): WaitingRun {
  const { frame, header, headerEnd, from, end, count, deadline } = run;
  const headerLength = headerEnd - header;
  const length = headerLength + end - from;
  if (length * 2 >= frame.length) return run;
  const copy = Buffer.allocUnsafeSlow(length);
  frame.copy(copy, 0, header, headerEnd);
  frame.copy(copy, headerLength, from, end);
  return {
    frame: copy,
    header: 0,
    headerEnd: headerLength,
    from: headerLength,
    end: length,
    count,
    deadline,
  };
}
