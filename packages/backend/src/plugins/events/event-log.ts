import Denque from 'denque';

/** One event as it is sent, numbered from 1 within its subscription. */
export interface NumberedEvent {
  readonly number: number;
  /** JSON. */
  readonly text: string;
}

/** The events that a reader has not seen yet. */
export interface Unread {
  /** The number of later events that have been discarded. */
  readonly lost: number;
  readonly events: readonly NumberedEvent[];
}

export interface EventLogLimits {
  readonly events: number;
  /** The size of all texts in characters. */
  readonly size: number;
}

/**
 * The latest events of one subscription, so that a reader can resume after a break. Bounded: the oldest are discarded first,
 * and a reader who missed them is told their number.
 */
export class EventLog {
  readonly #limits: EventLogLimits;
  readonly #events = new Denque<NumberedEvent>();
  #size = 0;
  #last = 0;
  #news = Promise.withResolvers<void>();

  constructor(limits: EventLogLimits) {
    this.#limits = limits;
  }

  /** The number of the newest event; 0 before the first. */
  get last(): number {
    return this.#last;
  }

  push(text: string): void {
    this.#last += 1;
    this.#events.push({ number: this.#last, text });
    this.#size += text.length;
    while (
      this.#events.length > 1 &&
      (this.#events.length > this.#limits.events || this.#size > this.#limits.size)
    )
      this.#size -= this.#events.shift()?.text.length ?? 0;
    this.wake();
  }

  /** Makes waiting readers check again. */
  wake(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }

  /** The events after number `after`. */
  unread(after: number): Unread {
    const oldest = this.#events.peekFront()?.number ?? this.#last + 1;
    const lost = Math.max(0, oldest - after - 1);
    const events: NumberedEvent[] = [];
    for (let index = Math.max(0, after + 1 - oldest); index < this.#events.length; index += 1) {
      const event = this.#events.peekAt(index);
      if (event !== undefined) events.push(event);
    }
    return { lost, events };
  }

  /** Resolves when there is an event after number `after`, or at `wake()`. */
  async news(after: number): Promise<void> {
    if (this.#last <= after) await this.#news.promise;
  }
}
