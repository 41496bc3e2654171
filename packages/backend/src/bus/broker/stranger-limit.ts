import { BoundedCache, TokenBucket } from '@aico/shared/core/tasks';

/** Frames of one connection that are processed while it has no session; a handshake takes two. */
export const FRAMES_BEFORE_WELCOME = 16;

/** Frames per second that are processed over all connections without a session, and the burst. */
const PER_SECOND = 1_000;
const BURST = 2_048;

/** Connections whose frames are counted; beyond it the one that was silent longest is dropped. */
const CONNECTIONS = 4_096;

/**
 * Limits the work caused by connections without a session. Each processed frame costs a parse, a proof or an answer, and a
 * component that passes the CURVE handshake could send HELLO frames endlessly.
 */
export class StrangerLimit {
  readonly #frames = new BoundedCache<string, number>(CONNECTIONS);
  readonly #bucket: TokenBucket;

  constructor(now?: () => number) {
    this.#bucket = new TokenBucket({
      perSecond: PER_SECOND,
      burst: BURST,
      ...(now === undefined ? {} : { now }),
    });
  }

  /** Whether a frame of `connection` may be processed. Otherwise it is dropped without an answer. */
  admit(connection: string): boolean {
    const frames = (this.#frames.get(connection) ?? 0) + 1;
    this.#frames.set(connection, frames);
    return frames <= FRAMES_BEFORE_WELCOME && this.#bucket.take();
  }
}
