import type { ServerResponse } from 'node:http';
import { UploadsFullError } from './errors.ts';

interface UploadLimits {
  /** The most bytes of one sender. */
  readonly perSender: number;
  /** The maximum number of bytes of all senders together. */
  readonly total: number;
}

/** Bytes of each body that are not counted: most bodies are smaller and are released at once. */
export const FREE_BYTES = 16_384;

/**
 * Limits the request bodies that are held in memory, per sender and in all, from their arrival until their request has been
 * answered. Without it a sender could hold as many bodies of the largest size as it may open connections.
 */
export class UploadBudget {
  readonly #limits: UploadLimits;
  readonly #bySender = new Map<string, number>();
  #total = 0;

  constructor(limits: UploadLimits) {
    this.#limits = limits;
  }

  /** The bytes that are held now. */
  get held(): number {
    return this.#total;
  }

  /** Opens an account for one body, which is closed with `response`. */
  open(sender: string, response: ServerResponse): { take(bytes: number): void } {
    let held = 0;
    response.once('close', () => {
      this.#total -= held;
      const left = (this.#bySender.get(sender) ?? 0) - held;
      if (left > 0) this.#bySender.set(sender, left);
      else this.#bySender.delete(sender);
      held = 0;
    });
    return {
      /** @throws {UploadsFullError} */
      take: (bytes) => {
        const { perSender, total } = this.#limits;
        const own = this.#bySender.get(sender) ?? 0;
        if (own + bytes > perSender) throw new UploadsFullError('sender', perSender);
        if (this.#total + bytes > total) throw new UploadsFullError('all', total);
        if (response.closed) return;
        held += bytes;
        this.#total += bytes;
        this.#bySender.set(sender, own + bytes);
      },
    };
  }
}
