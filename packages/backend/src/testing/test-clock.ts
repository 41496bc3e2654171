import type { Clock } from '@aico/shared/core/tasks';

interface Timer {
  /** By `elapsed()`. */
  readonly at: number;
  readonly fire: () => void;
}

/**
 * A clock that stands still until a test moves it. `createTestBackend({ clock })` runs a backend on it.
 *
 * It governs `plugin.clock`, `plugin.every`, the waits of `plugin.runInBackground` before it begins failed work again, the
 * redelivery of durable messages, and the retention of messages and repeated requests. Everything else takes real time:
 * `Date.now()`, `setTimeout()`, the times of log lines, and the timeouts of statements, requests, starts and stops.
 *
 * @example
 * ```ts
 * const clock = new TestClock('2026-01-01T06:00:00Z');
 * await using backend = await createTestBackend({ plugins: ['./src/index.ts'], clock });
 * await clock.advance(3_600_000);
 * ```
 */
export class TestClock implements Clock {
  readonly #timers = new Set<Timer>();
  readonly #work = new Set<Promise<unknown>>();
  readonly #whenMoved = new Set<() => Promise<void>>();
  #now: number;
  #elapsed = 0;

  /** @param start the time that it tells first; default the beginning of 2026 */
  constructor(start: string | number | Date = '2026-01-01T00:00:00Z') {
    this.#now = timeOf(start);
  }

  // As properties: a clock's methods are passed on alone.
  readonly now = (): number => this.#now;
  readonly elapsed = (): number => this.#elapsed;

  pause(delayMs: number, signal?: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      if (signal?.aborted) {
        resolve(false);
        return;
      }
      const settle = (hasPassed: boolean): void => {
        this.#timers.delete(timer);
        signal?.removeEventListener('abort', abort);
        resolve(hasPassed);
      };
      const abort = (): void => settle(false);
      const timer: Timer = { at: this.#elapsed + Math.max(0, delayMs), fire: () => settle(true) };
      this.#timers.add(timer);
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  readonly follow = (work: Promise<unknown>): void => {
    const followed = work.then(
      () => void this.#work.delete(followed),
      // Its owner handles the failure.
      () => void this.#work.delete(followed),
    );
    this.#work.add(followed);
  };

  /**
   * Lets `ms` milliseconds pass: each timer that becomes due fires at its time, in order, and the work of `plugin.every` is
   * awaited before the clock moves on. Resolves when durable messages that became due have been delivered too. Code that
   * waits by `clock.pause()` itself has one turn of the event loop to pause again.
   *
   * @throws {RangeError} when `ms` is negative: {@link set} moves the time of day back
   */
  async advance(ms: number): Promise<void> {
    if (!(ms >= 0)) throw new RangeError(`time passes forward, not by ${ms} ms`);
    const end = this.#elapsed + ms;
    await this.#settle();
    for (let timer = this.#next(end); timer !== undefined; timer = this.#next(end)) {
      this.#moveTo(Math.max(timer.at, this.#elapsed));
      timer.fire();
      await this.#settle();
    }
    this.#moveTo(end);
    for (const act of this.#whenMoved) await act();
    await this.#settle();
  }

  /**
   * Lets `ms` milliseconds pass at once, as for a process that was suspended: each timer that became due meanwhile fires once, late.
   * For a long time, in which {@link advance} would run a timer of a minute for each minute.
   */
  async skip(ms: number): Promise<void> {
    if (!(ms >= 0)) throw new RangeError(`time passes forward, not by ${ms} ms`);
    await this.#settle();
    this.#moveTo(this.#elapsed + ms);
    await this.advance(0);
  }

  /**
   * Lets time pass until each timer that waits now has fired once. Timers that become due again meanwhile are left, so that a
   * timer of a second does not run for each second until one of a day has fired.
   */
  async fireEach(): Promise<void> {
    await this.#settle();
    for (const timer of [...this.#timers].sort((a, b) => a.at - b.at)) {
      this.#moveTo(Math.max(timer.at, this.#elapsed));
      timer.fire();
      await this.#settle();
    }
    await this.advance(0);
  }

  /** Sets the time of day without any time passing, as a person or the network may set a machine's clock. No timer fires. */
  set(time: string | number | Date): void {
    this.#now = timeOf(time);
  }

  /** Calls `act` after each {@link advance}, until the returned function is called. */
  onMove(act: () => Promise<void>): () => void {
    this.#whenMoved.add(act);
    return () => void this.#whenMoved.delete(act);
  }

  #next(end: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers)
      if (timer.at <= end && (next === undefined || timer.at < next.at)) next = timer;
    return next;
  }

  #moveTo(elapsed: number): void {
    this.#now += elapsed - this.#elapsed;
    this.#elapsed = elapsed;
  }

  /** Resolves when the work that has begun is done. */
  async #settle(): Promise<void> {
    do {
      await Promise.all(this.#work);
      await new Promise((resolve) => setImmediate(resolve));
    } while (this.#work.size > 0);
  }
}

function timeOf(time: string | number | Date): number {
  const ms = new Date(time).getTime();
  if (Number.isNaN(ms)) throw new RangeError(`${String(time)} is not a time`);
  return ms;
}
