import { pause } from './pause.ts';

/** Tells the time and waits. Code that is given a clock can be tested without waiting. */
export interface Clock {
  /** Milliseconds since 1970. It jumps when the clock of the machine is set: no duration is measured by it. */
  now(): number;
  /** Milliseconds that only ever grow, for measuring durations. */
  elapsed(): number;
  /** Waits as `pause()` does: `true` when the time has passed, `false` as soon as `signal` is aborted. */
  pause(delayMs: number, signal?: AbortSignal): Promise<boolean>;
  /** Receives the work that follows a pause: a clock of tests waits for it before it moves on. */
  readonly follow?: (work: Promise<unknown>) => void;
}

/** The clock of the machine. */
export const systemClock: Clock = { now: () => Date.now(), elapsed: () => performance.now(), pause };
