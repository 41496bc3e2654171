import { BoundedCache } from '@aico/shared/core/tasks';

/** The number of openings remembered per device. */
export const OPENINGS_PER_DEVICE = 1_024;
/** The number of stored bytes of an opening's id, which is random and thus still unique. */
const KEPT_BYTES = 16;

/** The newest openings of each device, by their random ids. A first message with a known id is a replay. */
export class SeenOpenings {
  readonly #byDevice = new Map<string, BoundedCache<string, true>>();

  /** The stored part of an opening's id. */
  static keyOf(openingId: Uint8Array): Buffer {
    return Buffer.from(openingId.subarray(0, KEPT_BYTES));
  }

  /**
   * Remembers an opening.
   * @returns whether it is new
   */
  add(device: string, openingId: Uint8Array): boolean {
    const key = SeenOpenings.keyOf(openingId).toString('hex');
    const seen = this.#byDevice.get(device) ?? new BoundedCache<string, true>(OPENINGS_PER_DEVICE);
    if (seen.has(key)) return false;
    seen.set(key, true);
    this.#byDevice.set(device, seen);
    return true;
  }

  forget(device: string): void {
    this.#byDevice.delete(device);
  }
}
