import { BusFullError } from '../errors.ts';
import type { QueuePolicy } from './queue-policy.ts';

interface Waiting {
  /** How many messages must have left the queue until there is room for this one. */
  readonly turn: number;
  readonly settle: (error?: BusFullError) => void;
}

/**
 * The publishers that wait for room in one queue. A message is queued as soon as it is published, so that order is kept, and
 * its publisher waits until the message is within `queueLimit`. At most `queueLimit` publishers wait, each at most `waitMs`, so
 * that a handler that awaits publishing to its own subscription gets an error instead of a deadlock.
 */
export class WaitingPublishers {
  readonly #pattern: string;
  readonly #policy: QueuePolicy;
  #waiting: Waiting[] = [];
  /** The numbers of messages that have entered and left the queue. */
  #entered = 0;
  #left = 0;

  constructor(pattern: string, policy: QueuePolicy) {
    this.#pattern = pattern;
    this.#policy = policy;
  }

  /**
   * Called when a message was published: it was `refused`, or the queue now has `length` messages. Returns the promise for its
   * publisher, or `undefined` when there is room.
   */
  enter(length: number, refused: boolean): Promise<void> | undefined {
    const { queueLimit, waitMs } = this.#policy;
    if (refused) return Promise.reject(new BusFullError(this.#pattern, 'refused', waitMs));
    this.#entered += 1;
    this.#left = this.#entered - length;
    if (length <= queueLimit) return undefined;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting: Waiting = {
      turn: this.#entered - queueLimit,
      settle: (error) => {
        clearTimeout(timer);
        if (error === undefined) resolve();
        else reject(error);
      },
    };
    const timer = setTimeout(() => {
      this.#waiting = this.#waiting.filter((other) => other !== waiting);
      waiting.settle(new BusFullError(this.#pattern, 'late', waitMs));
    }, waitMs);
    this.#waiting.push(waiting);
    return promise;
  }

  /** Called when the queue has become shorter. */
  update(length: number): void {
    this.#left = this.#entered - length;
    if (this.#waiting.length === 0) return;
    const first = this.#waiting.findIndex(({ turn }) => turn > this.#left);
    const ready = this.#waiting.splice(0, first === -1 ? this.#waiting.length : first);
    for (const { settle } of ready) settle();
  }
}
