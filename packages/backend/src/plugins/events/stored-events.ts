import type { EventSource, NumberedEvent, Unread } from './event-log.ts';

/** Rows of a table as events, numbered in the order in which they were stored. They are kept, so a reader can resume at any of them. */
export interface StoredEvents {
  /** The number of the newest; 0 without any. */
  last(): Promise<number>;
  /** The first of those after a number, and the number up to which these are all. */
  after(number: number): Promise<{ readonly events: readonly NumberedEvent[]; readonly last: number }>;
  /** Calls `wake` when there are more. @returns how to end that */
  listen(wake: () => void): () => void;
}

/** The events of a table for the readers of one subscription. Nothing is kept in memory. */
export class StoredEventLog implements EventSource {
  readonly #stored: StoredEvents;
  #news = Promise.withResolvers<void>();

  constructor(stored: StoredEvents) {
    this.#stored = stored;
  }

  async unread(after: number): Promise<Unread> {
    return { lost: 0, ...(await this.#stored.after(after)) };
  }

  changed(): Promise<void> {
    return this.#news.promise;
  }

  wake(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }
}
