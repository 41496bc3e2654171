import { ChannelSilentError } from '../../channel/errors.ts';

/** The time that a peer has to send anything after a ping, as a multiple of `silenceMs`. */
const ANSWER_FACTOR = 4;

interface HeartbeatOptions {
  /** Milliseconds of silence after which the peer is sent a ping. */
  readonly silenceMs: number;
  /** Whether something is in flight. Without it, no ping is sent. */
  readonly isBusy: () => boolean;
  readonly ping: () => void;
  /** Called when nothing has arrived for too long. */
  readonly onSilent: (error: ChannelSilentError) => void;
}

/** Detects a peer that has gone without closing the connection, after a change of network or a sleep. */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  readonly #interval: ReturnType<typeof setInterval>;
  #heardAt = Date.now();
  #deadline: ReturnType<typeof setTimeout> | undefined;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#interval = setInterval(() => this.#check(), options.silenceMs);
    unref(this.#interval);
  }

  /** Whether a ping has not been answered yet. */
  get isWaiting(): boolean {
    return this.#deadline !== undefined;
  }

  /** Notes that something has arrived. */
  heard(): void {
    this.#heardAt = Date.now();
    if (this.#deadline === undefined) return;
    clearTimeout(this.#deadline);
    this.#deadline = undefined;
  }

  stop(): void {
    clearInterval(this.#interval);
    clearTimeout(this.#deadline);
    this.#deadline = undefined;
  }

  #check(): void {
    const { silenceMs, isBusy, ping, onSilent } = this.#options;
    if (this.isWaiting || !isBusy()) return;
    // By the wall clock, since the monotonic clock may stand still while the machine sleeps.
    if (Math.abs(Date.now() - this.#heardAt) < silenceMs) return;
    const answerMs = ANSWER_FACTOR * silenceMs;
    this.#deadline = setTimeout(() => onSilent(new ChannelSilentError(answerMs)), answerMs);
    unref(this.#deadline);
    ping();
  }
}

/** Node's timers keep the process alive unless told otherwise; those of browsers are numbers. */
function unref(timer: ReturnType<typeof setTimeout>): void {
  if (typeof timer === 'object') timer.unref();
}
