import type { Logger } from '@aico/shared/core/logging';
import { type Backoff, backoffDelay, pause } from '../container/backoff.ts';

/** Work that ends when `signal` is aborted. */
export type BackgroundWork = (signal: AbortSignal) => unknown;

const RESTART: Backoff = { minDelayMs: 1_000, maxDelayMs: 30_000 };

/**
 * Runs `work` until it resolves. When it fails, the failure is logged and it begins again after a growing wait;
 * once it has run for longer than the longest wait, the next failure counts as the first.
 */
export async function keepRunning(
  name: string,
  work: BackgroundWork,
  signal: AbortSignal,
  logger: () => Logger,
): Promise<void> {
  for (let failures = 1; !signal.aborted; failures += 1) {
    const beganAt = performance.now();
    try {
      await work(signal);
      return;
    } catch (error) {
      // Whoever obeys the signal rejects: that is how it ends, not a failure.
      if (signal.aborted) return;
      if (performance.now() - beganAt > RESTART.maxDelayMs) failures = 1;
      const retryInMs = backoffDelay(failures, RESTART, Math.random);
      logger().error(`Background task ${name} failed and will begin again`, { task: name, retryInMs, error });
      await pause(retryInMs, signal);
    }
  }
}

/**
 * Runs `work` every `intervalMs`, counted from one beginning to the next. A run that takes longer skips the beats
 * it misses; two never overlap. A failure is logged, and the next beat comes as if nothing had been.
 */
export async function keepBeating(
  name: string,
  intervalMs: number,
  work: BackgroundWork,
  signal: AbortSignal,
  logger: () => Logger,
): Promise<void> {
  let delayMs = intervalMs;
  while (await pause(delayMs, signal)) {
    const beganAt = performance.now();
    try {
      await work(signal);
    } catch (error) {
      if (signal.aborted) return;
      logger().error(`Timer ${name} failed`, { timer: name, error });
    }
    delayMs = intervalMs - ((performance.now() - beganAt) % intervalMs);
  }
}
