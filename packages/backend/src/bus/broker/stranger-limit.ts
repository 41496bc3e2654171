import { TokenBucket } from '@aico/shared/core/tasks';

/** Frames of one connection that are looked at while it has no session; a handshake takes two. */
export const FRAMES_BEFORE_WELCOME = 16;

/** Frames per second that are looked at, over all connections without a session, and how many at once. */
const PER_SECOND = 1_000;
const BURST = 2_048;

/** Connections whose frames are counted; beyond that the one that was silent longest is forgotten. */
const CONNECTIONS = 4_096;

/**
 * Bounds the work that connections without a session cause. Each frame that is looked at costs a parse, a proof or an
 * answer; a component whose key lets it through the encrypted handshake could otherwise send HELLO without end.
 */
export class StrangerLimit {
  readonly #frames = new Map<string, number>();
  readonly #bucket: TokenBucket;

  constructor(now?: () => number) {
    this.#bucket = new TokenBucket({
      perSecond: PER_SECOND,
      burst: BURST,
      ...(now === undefined ? {} : { now }),
    });
  }

  /** Whether a frame of `connection` may be looked at. One that may not is dropped without an answer. */
  admit(connection: string): boolean {
    const frames = (this.#frames.get(connection) ?? 0) + 1;
    this.#frames.delete(connection);
    this.#frames.set(connection, frames);
    if (this.#frames.size > CONNECTIONS) {
      const [silent = ''] = this.#frames.keys();
      this.#frames.delete(silent);
    }
    return frames <= FRAMES_BEFORE_WELCOME && this.#bucket.take();
  }
}
