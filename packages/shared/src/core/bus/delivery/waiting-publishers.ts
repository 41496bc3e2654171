import { BusFullError } from '../errors.ts';
import type { QueuePolicy } from './queue-policy.ts';

interface Waiting {
  /** How many messages must have been taken until this one has room. */
  readonly turn: number;
  readonly settle: (error?: BusFullError) => void;
}

/**
 * The publishers that wait for room in one queue. A message is queued as soon as it is published, so that order is kept; its
 * publisher waits until it is within the limit. There are at most `queueLimit` such messages, and a publisher waits at most
 * `waitMs`: a handler that awaits publishing to itself gets an error instead of a deadlock.
 */
export class RoomQueue {
  readonly #pattern: string;
  readonly #policy: QueuePolicy;
  #waiting: Waiting[] = [];
  /** How many messages have come in, and how many have been taken. */
  #entered = 0;
  #taken = 0;

  constructor(pattern: string, policy: QueuePolicy) {
    this.#pattern = pattern;
    this.#policy = policy;
  }

  /** A message has come, `refused` or as the last of `length`; `undefined` when there is room. */
  enter(length: number, refused: boolean): Promise<void> | undefined {
    const { queueLimit, waitMs } = this.#policy;
    if (refused) return Promise.reject(new BusFullError(this.#pattern, 'refused', waitMs));
    this.#entered += 1;
    this.#taken = this.#entered - length;
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

  /** The queue has become shorter. */
  update(length: number): void {
    this.#taken = this.#entered - length;
    if (this.#waiting.length === 0) return;
    const first = this.#waiting.findIndex(({ turn }) => turn > this.#taken);
    const ready = this.#waiting.splice(0, first === -1 ? this.#waiting.length : first);
    for (const { settle } of ready) settle();
  }
}
