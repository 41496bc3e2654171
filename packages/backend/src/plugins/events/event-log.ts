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
  /** The number up to which these are all. */
  readonly last: number;
}

/** Numbered events, which a reader reads on from any of them. */
export interface EventSource {
  /** The events after number `after`, or the first of them. */
  unread(after: number): Unread | Promise<Unread>;
  /** Resolves when there may be further events. A reader asks for it before it reads, so that none is missed between the two. */
  changed(): Promise<void>;
  /** Makes waiting readers check again. */
  wake(): void;
}

interface EventLogLimits {
  readonly events: number;
  /** The size of all texts in characters. */
  readonly size: number;
}

/**
 * The latest events of one subscription, so that a reader can resume after a break. Bounded: the oldest are discarded first,
 * and a reader that missed them gets their number.
 */
export class EventLog implements EventSource {
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

  wake(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }

  unread(after: number): Unread {
    const oldest = this.#events.peekFront()?.number ?? this.#last + 1;
    const lost = Math.max(0, oldest - after - 1);
    const events: NumberedEvent[] = [];
    for (let index = Math.max(0, after + 1 - oldest); index < this.#events.length; index += 1) {
      const event = this.#events.peekAt(index);
      if (event !== undefined) events.push(event);
    }
    return { lost, events, last: Math.max(after, this.#last) };
  }

  changed(): Promise<void> {
    return this.#news.promise;
  }
}
