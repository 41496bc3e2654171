import { ReceiverFeed } from '../../delivery/receiver-feed.ts';
import { BusProtocolError } from '../../frames/errors.ts';
import { readBatch } from '../../frames/frame-batch.ts';
import type { Receiver } from '../transport.ts';

interface InboxOptions {
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
  readonly #feeds = new Map<number, ReceiverFeed>();
  /** The numbers of the frames that are to be confirmed. */
  #accepted: number[] = [];
  /** The number of the current connection. Frames of earlier connections are not confirmed. */
  #link = 0;

  constructor(options: InboxOptions) {
    this.#options = options;
  }

  add(id: number, receiver: Receiver): void {
    this.#feeds.set(id, new ReceiverFeed(receiver));
  }

  remove(id: number): void {
    this.#feeds.get(id)?.end();
    this.#feeds.delete(id);
  }

  /** Delivers a DELIVER frame. Messages for ended subscriptions are ignored, since the broker may not know of the end yet. */
  take(number: number, frame: Buffer): void {
    const { onError } = this.#options;
    const link = this.#link;
    // The frame itself counts as one, so that it is not confirmed before all of it has been read.
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

  /** Called when the connection has ended: its frames can no longer be confirmed. */
  forget(): void {
    this.#link += 1;
    this.#accepted = [];
  }

  /** Confirms frames in the next turn of the event loop, because handlers are more urgent. */
  #acknowledge(number: number): void {
    this.#accepted.push(number);
    if (this.#accepted.length > 1) return;
    setImmediate(() => {
      const accepted = this.#accepted;
      this.#accepted = [];
      if (accepted.length > 0) this.#options.acknowledge(accepted);
    });
  }
}
