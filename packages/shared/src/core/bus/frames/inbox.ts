import type { ReceiverFeed } from '../delivery/receiver-feed.ts';
import { BusProtocolError } from './errors.ts';
import { readBatch } from './frame-batch.ts';

interface InboxOptions {
  /** The receivers of a subscription; none if it has ended, which the sender may not know yet. */
  readonly feedsOf: (subscription: number) => Iterable<ReceiverFeed>;
  /** Confirms the frames with these numbers. */
  readonly acknowledge: (numbers: readonly number[]) => void;
  /** Called with malformed frames. */
  readonly onError: (error: Error) => void;
}

/**
 * Delivers received messages to their subscriptions. A frame is confirmed once every receiver has accepted its messages, which a
 * receiver does when it has room. Receivers do not wait for each other.
 */
export class Inbox {
  readonly #options: InboxOptions;
  /** The numbers of the frames that are to be confirmed. */
  #accepted: number[] = [];
  /** The numbers of the frames that have not been accepted by all receivers. */
  readonly #open = new Set<number>();
  /** The number of the current connection. Frames of earlier connections are not confirmed. */
  #link = 0;

  constructor(options: InboxOptions) {
    this.#options = options;
  }

  /** The numbers of the frames that have arrived, and that some receiver has not accepted yet. */
  get open(): Iterable<number> {
    return this.#open;
  }

  /** Delivers a DELIVER frame, and returns the number of messages in it. */
  take(number: number, frame: Buffer): number {
    const { feedsOf, onError } = this.#options;
    const link = this.#link;
    // The frame itself counts as one, so that it is not confirmed before all of it has been read.
    let pending = 1;
    this.#open.add(number);
    const done = (): void => {
      pending -= 1;
      if (pending > 0 || link !== this.#link) return;
      this.#open.delete(number);
      this.confirm([number]);
    };
    let messages = 0;
    let at = 5;
    while (at < frame.length) {
      const batch = at + 4 <= frame.length ? readBatch(frame, at + 4) : undefined;
      if (batch === undefined) {
        onError(new BusProtocolError('a DELIVER frame is malformed'));
        break;
      }
      messages += batch.length;
      const subscription = frame.readUInt32BE(at);
      at = batch.end;
      const detached = batch.detached();
      let isShared = false;
      for (const feed of feedsOf(subscription)) {
        pending += 1;
        feed.push(isShared ? detached.twin() : detached, done);
        isShared = true;
      }
    }
    done();
    return messages;
  }

  /** Called when the connection has ended: its frames can no longer be confirmed. */
  forget(): void {
    this.#link += 1;
    this.#open.clear();
    this.#accepted = [];
  }

  /** Confirms frames in the next turn of the event loop, because handlers are more urgent. */
  confirm(numbers: readonly number[]): void {
    const isScheduled = this.#accepted.length > 0;
    this.#accepted.push(...numbers);
    if (isScheduled) return;
    setImmediate(() => {
      const accepted = this.#accepted;
      this.#accepted = [];
      if (accepted.length > 0) this.#options.acknowledge(accepted);
    });
  }
}
