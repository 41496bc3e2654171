/** Openings that are remembered of each device. */
export const OPENINGS_PER_DEVICE = 1_024;
/** Bytes of an opening's id that are kept: it is random, so that these name it. */
const KEPT_BYTES = 16;

/**
 * The newest openings of each device, by what the device drew at random for them. A first handshake message with an id that is
 * here is a replay.
 */
export class SeenOpenings {
  readonly #byDevice = new Map<string, Set<string>>();

  /** The part of an opening's id that is remembered. */
  static keyOf(openingId: Uint8Array): Buffer {
    return Buffer.from(openingId.subarray(0, KEPT_BYTES));
  }

  /** Remembers an opening. @returns whether it is new */
  add(device: string, openingId: Uint8Array): boolean {
    const key = SeenOpenings.keyOf(openingId).toString('hex');
    const seen = this.#byDevice.get(device) ?? new Set<string>();
    if (seen.has(key)) return false;
    this.#byDevice.set(device, seen.add(key));
    if (seen.size > OPENINGS_PER_DEVICE) {
      const [oldest] = seen;
      if (oldest !== undefined) seen.delete(oldest);
    }
    return true;
  }

  forget(device: string): void {
    this.#byDevice.delete(device);
  }
}
