import type { Batch } from '../messages/batch.ts';
import type { Receiver } from '../transports/transport.ts';

/**
 * The batches from other processes for which one receiver has no room yet. It is offered them one after the other, and the windows
 * of the senders bound their size.
 */
export class ReceiverFeed {
  readonly #receiver: Receiver;
  readonly #waiting: { readonly batch: Batch; from: number; readonly done: () => void }[] = [];
  #isFull = false;

  constructor(receiver: Receiver) {
    this.#receiver = receiver;
  }

  push(batch: Batch, done: () => void): void {
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
      // A receiver that has no room in time reports the error itself, and is still offered the next batch.
      room.then(this.#feed, this.#feed);
      return;
    }
  };
}
