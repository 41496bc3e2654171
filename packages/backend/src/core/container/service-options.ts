import type { Backoff } from '@aico/shared/core/tasks';
import type { ServiceName } from '../services.ts';
import { ServiceOptionError } from './errors.ts';
import type { FilledPoint } from './graph-problems.ts';

/** How often a failed start is retried. */
interface RetryPolicy extends Partial<Backoff> {
  /** Retries after the first attempt. Default: 0 for a required service, unlimited for an optional one. */
  readonly retries?: number;
}

/** How a service is started and stopped. */
export interface ServiceOptions<T = unknown> {
  /** Services that run before this one starts and until after it has stopped. */
  readonly dependencies?: readonly ServiceName[];
  /** Extension points that it offers. It starts after the services that fill them, or once these have failed. */
  readonly offers?: readonly string[];
  /** Extension points that it fills. */
  readonly fills?: readonly FilledPoint[];
  /**
   * Lower first, among services ready at the same moment; see `PluginPriority`. Never overrides a dependency. Finite. Default
   * 100.
   */
  readonly priority?: number;
  /**
   * Whether the start fails without it. An optional service that fails is retried while the others run and is reported as
   * degraded; its dependents wait. An optional service on which a required one depends is itself required. Default `true`.
   */
  readonly required?: boolean;
  /**
   * Milliseconds that each phase of the start (construct, initialize, start) may take without progress. A working database
   * reports progress itself; others call `reportProgress`. Default: the container's.
   */
  readonly startTimeoutMs?: number;
  /** Milliseconds for its whole stop. Default 5 000. */
  readonly stopTimeoutMs?: number;
  readonly retry?: RetryPolicy;
  /** Stops an object that has no method `stop`: `(database) => database.close()`. */
  readonly stop?: (instance: T) => void | Promise<void>;
  /**
   * Creates the view that a dependent service gets in place of this one: a client under its own name, a view of its own tables.
   * Called once for each start of the consumer.
   */
  readonly viewFor?: (instance: T, consumer: string) => T;
  /** Releases a view once its consumer has stopped. */
  readonly releaseView?: (view: T) => void | Promise<void>;
}

/** The options with their defaults. */
export interface ResolvedOptions {
  readonly dependencies: readonly string[];
  readonly offers: readonly string[];
  readonly fills: readonly FilledPoint[];
  readonly priority: number;
  readonly required: boolean;
  readonly startTimeoutMs: number;
  readonly stopTimeoutMs: number;
  readonly retries: number | undefined;
  readonly backoff: Backoff;
}

/** setTimeout() fires at once beyond this, so a long timeout would become none. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Used if neither the service nor its container sets another. */
const DEFAULT_START_TIMEOUT_MS = 10_000;

export const DEFAULT_PRIORITY = 100;

const DEFAULT_BACKOFF: Backoff = { minDelayMs: 500, maxDelayMs: 60_000 };

/** @throws {ServiceOptionError} naming the option and its valid values */
export function resolveOptions(
  name: string,
  options: Omit<ServiceOptions, 'stop' | 'viewFor' | 'releaseView'>,
  defaultStartTimeoutMs = DEFAULT_START_TIMEOUT_MS,
): ResolvedOptions {
  const milliseconds = (option: string, value: number): number => {
    if (value > 0 && value <= LONGEST_TIMER_MS) return value;
    throw new ServiceOptionError(name, option, value, `milliseconds from 1 to ${LONGEST_TIMER_MS}`);
  };
  const { priority = DEFAULT_PRIORITY, retry = {} } = options;
  if (name === '') throw new ServiceOptionError(name, 'name', '""', 'a word');
  if (!Number.isFinite(priority)) throw new ServiceOptionError(name, 'priority', priority, 'a finite number');
  const { retries, minDelayMs = DEFAULT_BACKOFF.minDelayMs, maxDelayMs = DEFAULT_BACKOFF.maxDelayMs } = retry;
  if (retries !== undefined && !(retries >= 0 && (Number.isInteger(retries) || retries === Infinity))) {
    throw new ServiceOptionError(name, 'retry.retries', retries, 'a whole number from 0, or Infinity');
  }
  return {
    dependencies: options.dependencies ?? [],
    offers: options.offers ?? [],
    fills: options.fills ?? [],
    priority,
    required: options.required ?? true,
    startTimeoutMs: milliseconds('startTimeoutMs', options.startTimeoutMs ?? defaultStartTimeoutMs),
    stopTimeoutMs: milliseconds('stopTimeoutMs', options.stopTimeoutMs ?? 5_000),
    retries,
    backoff: {
      minDelayMs: milliseconds('retry.minDelayMs', minDelayMs),
      maxDelayMs: milliseconds('retry.maxDelayMs', maxDelayMs),
    },
  };
}
