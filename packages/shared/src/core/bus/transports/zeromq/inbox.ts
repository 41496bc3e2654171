import type { Receiver } from '../transport.ts';
import { BusProtocolError } from './errors.ts';
import { type FrameBatch, readBatch } from './frame-batch.ts';

export interface InboxOptions {
  /** Confirms frames, by their numbers. */
  readonly acknowledge: (numbers: readonly number[]) => void;
  /** Called with malformed frames. */
  readonly onError: (error: Error) => void;
}

/**
 * Delivers received messages to their subscriptions; each receiver gets its own payloads. A frame is confirmed once every
 * receiver has accepted its part; a receiver without room accepts it later. Receivers do not wait for each other.
 */
export class Inbox {
  readonly #options: InboxOptions;
  readonly #feeds = new Map<number, Feed>();
  #taken: number[] = [];
  /** Counts the connections: a frame of an earlier one is not confirmed. */
  #link = 0;

  constructor(options: InboxOptions) {
    this.#options = options;
  }

  add(id: number, receiver: Receiver): void {
    this.#feeds.set(id, new Feed(receiver));
  }

  remove(id: number): void {
    this.#feeds.get(id)?.end();
    this.#feeds.delete(id);
  }

  /** Takes a DELIVER frame. What is for a subscription that has ended is passed over: the broker may not know yet. */
  take(number: number, frame: Buffer): void {
    const { onError } = this.#options;
    const link = this.#link;
    // One for the frame itself, so that it is not confirmed before it has been read to its end.
    let pending = 1;
    const done = (): void => {
      pending -= 1;
      if (pending === 0 && link === this.#link) this.#acknowledge(number);
    };
    let at = 5;
    while (at < frame.length) {
      const batch = at + 4 <= frame.length ? readBatch(frame, at + 4) : undefined;
      if (batch === undefined) {
        onError(new BusProtocolError('a DELIVER frame is malformed'));
        break;
      }
      const feed = this.#feeds.get(frame.readUInt32BE(at));
      at = batch.end;
      if (feed === undefined) continue;
      pending += 1;
      feed.push(batch.detached(), done);
    }
    done();
  }

  /** The connection is gone: what came by it is not confirmed. */
  forget(): void {
    this.#link += 1;
    this.#taken = [];
  }

  /** After the handlers had their turn: they wait for the message, and nothing waits for this. */
  #acknowledge(number: number): void {
    this.#taken.push(number);
    if (this.#taken.length > 1) return;
    setImmediate(() => {
      const taken = this.#taken;
      this.#taken = [];
      if (taken.length > 0) this.#options.acknowledge(taken);
    });
  }
}

/** The batches that one subscription has been sent and cannot take yet: at most the window that the broker keeps to. */
class Feed {
  readonly #receiver: Receiver;
  readonly #waiting: { readonly batch: FrameBatch; from: number; readonly done: () => void }[] = [];
  #isFull = false;

  constructor(receiver: Receiver) {
    this.#receiver = receiver;
  }

  push(batch: FrameBatch, done: () => void): void {
    if (!this.#receiver.waits) {
      void this.#receiver.receive(batch);
      done();
      return;
    }
    this.#waiting.push({ batch, from: 0, done });
    if (!this.#isFull) this.#feed();
  }

  end(): void {
    for (const { done } of this.#waiting.splice(0)) done();
  }

  readonly #feed = (): void => {
    this.#isFull = false;
    for (;;) {
      const next = this.#waiting[0];
      if (next === undefined) return;
      const { batch, from } = next;
      next.from = Math.min(batch.length, from + this.#receiver.batch);
      if (next.from === batch.length) {
        this.#waiting.shift();
        next.done();
      }
      const room = this.#receiver.receive(batch.part(from, next.from));
      if (room === undefined) continue;
      this.#isFull = true;
      // A receiver that had no room in time has reported so itself; the broker goes on counting on it.
      room.then(this.#feed, this.#feed);
      return;
    }
  };
}
