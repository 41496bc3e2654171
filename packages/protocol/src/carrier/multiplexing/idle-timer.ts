/**
 * Reports that something has been idle for a time. Noting activity and changing the timeout are cheap: a timer that fires too
 * early is armed again for the remainder, instead of being moved at each activity.
 */
export class IdleTimer {
  readonly #onIdle: () => void;
  /** 0 if no timeout is set. */
  #ms = 0;
  #lastActive = 0;
  #timer: NodeJS.Timeout | undefined;
  #dueAt = 0;

  constructor(onIdle: () => void) {
    this.#onIdle = onIdle;
  }

  /** @param ms milliseconds from now; 0 for none */
  set(ms: number): void {
    this.#ms = ms;
    this.active();
    if (ms > 0 && (this.#timer === undefined || this.#dueAt > this.#lastActive + ms)) this.#arm(ms);
  }

  active(): void {
    if (this.#ms > 0) this.#lastActive = performance.now();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#ms = 0;
  }

  #arm(ms: number): void {
    clearTimeout(this.#timer);
    this.#dueAt = performance.now() + ms;
    this.#timer = setTimeout(() => this.#goesOff(), ms);
    this.#timer.unref();
  }

  #goesOff(): void {
    this.#timer = undefined;
    if (this.#ms === 0) return;
    const left = Math.ceil(this.#lastActive + this.#ms - performance.now());
    // Fires again after another idle period.
    this.#arm(left > 0 ? left : this.#ms);
    if (left <= 0) this.#onIdle();
  }
}
