import { uptime } from 'node:os';
import { type Clock, systemClock } from '../../core/tasks/index.ts';

/**
 * The clock of the machine, whose `elapsed()` also counts the time during which the machine was suspended. `performance.now()`
 * does not on Linux, so a laptop that wakes up would believe that it still holds the leases of the day before.
 */
export function suspendAwareClock(): Clock {
  const began = performance.now();
  const up = uptime() * 1_000;
  // The uptime has steps of 10 ms, so it decides only after a suspension.
  const elapsed = (): number => Math.max(performance.now() - began, uptime() * 1_000 - up);
  return { ...systemClock, elapsed };
}
