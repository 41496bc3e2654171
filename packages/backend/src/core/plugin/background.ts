import type { Logger } from '@aico/shared/core/logging';
import { type Backoff, backoffDelay, type Clock } from '@aico/shared/core/tasks';

/** Work that ends when `signal` is aborted. */
export type BackgroundWork = (signal: AbortSignal) => unknown;

/** The parts of its plugin that a timer or a background task uses. */
interface BackgroundHost {
  readonly clock: Clock;
  readonly logger: Logger;
}

const RESTART: Backoff = { minDelayMs: 1_000, maxDelayMs: 30_000 };

/**
 * Runs `work` until it resolves. A failure is logged, and the work is restarted after an increasing delay. After a run longer
 * than the longest delay, the next failure counts as the first.
 */
export async function keepRunning(
  name: string,
  work: BackgroundWork,
  signal: AbortSignal,
  { clock, logger }: BackgroundHost,
): Promise<void> {
  for (let failures = 1; !signal.aborted; failures += 1) {
    const beganAt = clock.elapsed();
    try {
      await work(signal);
      return;
    } catch (error) {
      // Work that obeys the signal rejects, which is no failure.
      if (signal.aborted) return;
      if (clock.elapsed() - beganAt > RESTART.maxDelayMs) failures = 1;
      const retryInMs = backoffDelay(failures, RESTART, Math.random);
      logger.error(`Background task ${name} failed and will begin again`, { task: name, retryInMs, error });
      await clock.pause(retryInMs, signal);
    }
  }
}

/** The time of a timer's first run. */
export interface IntervalOptions {
  /** Milliseconds before the first run. Default: one interval. */
  readonly firstAfterMs?: number;
}

/**
 * Runs `work` after `firstAfterMs` and then every `intervalMs`, counted from the beginning of one run to the beginning of the
 * next. Runs never overlap: a run that takes longer than the interval skips the runs it misses. A failure is logged, and the
 * next run follows as usual.
 */
export async function keepBeating(
  name: string,
  intervalMs: number,
  work: BackgroundWork,
  signal: AbortSignal,
  { clock, logger }: BackgroundHost,
  { firstAfterMs = intervalMs }: IntervalOptions = {},
): Promise<void> {
  let delayMs = firstAfterMs;
  while (await clock.pause(delayMs, signal)) {
    const beganAt = clock.elapsed();
    try {
      const run = Promise.try(work, signal);
      clock.follow?.(run);
      await run;
    } catch (error) {
      if (signal.aborted) return;
      logger.error(`Timer ${name} failed`, { timer: name, error });
    }
    delayMs = intervalMs - ((clock.elapsed() - beganAt) % intervalMs);
  }
}
