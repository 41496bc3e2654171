/**
 * Tells when something has rested for a time. Noting activity, and setting the time anew, cost next to nothing: a timer
 * that goes off too early is set again for what is left, instead of being moved each time.
 */
export class IdleTimer {
  readonly #onIdle: () => void;
  /** 0: no timeout is set. */
  #ms = 0;
  #lastActive = 0;
  #timer: NodeJS.Timeout | undefined;
  #dueAt = 0;

  constructor(onIdle: () => void) {
    this.#onIdle = onIdle;
  }

  /** @param ms milliseconds, from now on; 0 for never */
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
    // Told again if it then rests as long once more.
    this.#arm(left > 0 ? left : this.#ms);
    if (left <= 0) this.#onIdle();
  }
}
