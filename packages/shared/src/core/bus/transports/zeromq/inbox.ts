import type { MessageRun } from '../../messages/message-run.ts';
import type { Receiver } from '../transport.ts';
import { BusProtocolError } from './errors.ts';
import { readMessages } from './messages.ts';
import { readRun, readRunHead } from './runs.ts';

export interface InboxOptions {
  /** Confirms frames, by their numbers. */
  readonly acknowledge: (numbers: readonly number[]) => void;
  /** Told of frames that are none. */
  readonly onError: (error: Error) => void;
}

/**
 * Hands what arrives to the receivers of its subscriptions; each gets payloads of its own. A frame is confirmed once all
 * that was in it has been taken: one for a receiver that waits, only when that has room. Each waits for itself alone.
 */
export class Inbox {
  readonly #options: InboxOptions;
  readonly #feeds = new Map<number, Feed>();
  #taken: number[] = [];
  /** Which link it is that frames come by: what came by an earlier one is confirmed to nobody. */
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
      const run = at + 4 <= frame.length ? readRun(frame, at + 4) : undefined;
      const head = run === undefined ? undefined : readRunHead(run);
      if (run === undefined || head === undefined) {
        onError(new BusProtocolError('a DELIVER frame is malformed'));
        break;
      }
      const feed = this.#feeds.get(frame.readUInt32BE(at));
      at = run.end;
      if (feed === undefined) continue;
      const refuse = (error: Error): void => feed.refuse(head.topic, error);
      for (const messages of readMessages(run, head, refuse)) {
        pending += 1;
        feed.push(messages, done);
      }
    }
    done();
  }

  /** The link is gone: nothing that came by it needs to be confirmed. */
  forget(): void {
    this.#link += 1;
    this.#taken = [];
  }

  /** Not before the handlers had their turn: what they wait for is the message, and nobody waits for this. */
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

/** What one subscription has been sent and cannot take yet: at most what the broker lets be on its way. */
class Feed {
  readonly #receiver: Receiver;
  readonly #waiting: { readonly messages: MessageRun; from: number; readonly done: () => void }[] = [];
  #isFull = false;

  constructor(receiver: Receiver) {
    this.#receiver = receiver;
  }

  push(messages: MessageRun, done: () => void): void {
    if (!this.#receiver.waits) {
      void this.#receiver.receiveRun(messages);
      done();
      return;
    }
    this.#waiting.push({ messages, from: 0, done });
    if (!this.#isFull) this.#feed();
  }

  refuse(topic: string, error: Error): void {
    this.#receiver.refuse(topic, error);
  }

  end(): void {
    for (const { done } of this.#waiting.splice(0)) done();
  }

  readonly #feed = (): void => {
    this.#isFull = false;
    for (;;) {
      const next = this.#waiting[0];
      if (next === undefined) return;
      const { head, sequence, payloads, copied } = next.messages;
      const from = next.from;
      next.from = Math.min(payloads.length, from + this.#receiver.batch);
      const part =
        from === 0 && next.from === payloads.length
          ? next.messages
          : { head, sequence: sequence + from, payloads: payloads.slice(from, next.from), copied };
      if (next.from === payloads.length) {
        this.#waiting.shift();
        next.done();
      }
      const room = this.#receiver.receiveRun(part);
      if (room === undefined) continue;
      this.#isFull = true;
      // One that had no room in time has said so itself; the broker goes on counting on it.
      room.then(this.#feed, this.#feed);
      return;
    }
  };
}
