import { reasonOf } from '@aico/protocol';
import { Deadline } from '../deadline.ts';
import { HealthCheckTakenError } from './errors.ts';
import type {
  HealthCheck,
  HealthCheckOptions,
  HealthCheckOutcome,
  HealthCheckResult,
  HealthRegistry,
  HealthReport,
  HealthStatus,
} from './types.ts';

const DEFAULT_TIMEOUT_MS = 10_000;

interface Run {
  readonly since: number;
  /** The result, once the check has answered. It never rejects. */
  readonly outcome: Promise<HealthCheckResult>;
}

interface RegisteredCheck {
  readonly check: HealthCheck;
  readonly timeoutMs: number;
  readonly critical: boolean;
  /** The run in progress. All callers wait for it, so a check that hangs is not started again. */
  pending: Run | undefined;
  /** The result of the last run that has ended. */
  last: HealthCheckResult | undefined;
}

/**
 * Runs every check concurrently, each with its own deadline, and combines the results: `healthy` only if every check is
 * healthy, `unhealthy` if a critical one is, else `degraded`.
 *
 * A report waits a second at most for a check that has answered before. Without an answer the check is `degraded`, and `unhealthy`
 * once `timeoutMs` have passed since it was called. The first answer of a check is awaited until then, since nothing is known
 * of its service.
 *
 * @example
 * ```ts
 * const health = new HealthChecks();
 * health.register('database', async () => { await database.check(); return { status: 'healthy' }; }, { critical: true });
 * const { status } = await health.report();
 * ```
 */
export class HealthChecks implements HealthRegistry {
  readonly #checks = new Map<string, RegisteredCheck>();
  readonly #lateMs: number;

  /** @param lateMs how long a report waits for a check that has answered before, which a busy machine may delay */
  constructor({ lateMs = 1_000 }: { readonly lateMs?: number } = {}) {
    this.#lateMs = lateMs;
  }

  /** @throws {HealthCheckTakenError} when the name is in use */
  register(name: string, check: HealthCheck, options: HealthCheckOptions = {}): () => void {
    if (this.#checks.has(name)) throw new HealthCheckTakenError(name);
    const registered: RegisteredCheck = {
      check,
      timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
      critical: options.critical ?? false,
      pending: undefined,
      last: undefined,
    };
    this.#checks.set(name, registered);
    return () => {
      if (this.#checks.get(name) === registered) this.#checks.delete(name);
    };
  }

  /** The names of the checks that are registered. */
  get names(): readonly string[] {
    return [...this.#checks.keys()];
  }

  async report(): Promise<HealthReport> {
    const checks = await Promise.all(
      [...this.#checks].map(async ([name, check]) => [name, await ask(check, this.#lateMs)] as const),
    );
    return {
      status: overall(checks.map(([, outcome]) => outcome)),
      checks: Object.fromEntries(checks),
      timestamp: new Date().toISOString(),
    };
  }
}

function overall(outcomes: readonly HealthCheckOutcome[]): HealthStatus {
  if (outcomes.some(({ status, critical }) => critical && status === 'unhealthy')) return 'unhealthy';
  return outcomes.every(({ status }) => status === 'healthy') ? 'healthy' : 'degraded';
}

async function ask(registered: RegisteredCheck, lateMs: number): Promise<HealthCheckOutcome> {
  const beganAt = performance.now();
  const result = await answerOf(registered, beganAt, lateMs);
  return { ...result, critical: registered.critical, durationMs: performance.now() - beganAt };
}

async function answerOf(
  registered: RegisteredCheck,
  now: number,
  lateMs: number,
): Promise<HealthCheckResult> {
  registered.pending ??= { since: now, outcome: run(registered) };
  const { since, outcome } = registered.pending;
  const { timeoutMs } = registered;
  const dueAt = since + (registered.last === undefined ? timeoutMs : Math.min(lateMs, timeoutMs));
  using deadline = new Deadline(dueAt - now);
  if (await deadline.settles(outcome)) return await outcome;
  // While the event loop was blocked, the answer may have come with the timer.
  await new Promise((resolve) => setImmediate(resolve));
  if (registered.pending?.outcome !== outcome) return await outcome;
  return unanswered(registered, performance.now() - since);
}

/** The result of a check that has been running for `ms`. */
function unanswered({ timeoutMs, last }: RegisteredCheck, ms: number): HealthCheckResult {
  const detail = `has not answered for ${Math.round(ms)} ms`;
  if (last === undefined || ms >= timeoutMs) return { status: 'unhealthy', detail };
  return last.status === 'unhealthy' ? last : { status: 'degraded', detail };
}

async function run(registered: RegisteredCheck): Promise<HealthCheckResult> {
  const { check, timeoutMs } = registered;
  const ending = new AbortController();
  const timer = setTimeout(() => ending.abort(), timeoutMs).unref();
  let result: HealthCheckResult;
  try {
    result = checked(await Promise.try(check, ending.signal));
  } catch (error) {
    const detail = ending.signal.aborted ? `did not answer within ${timeoutMs} ms` : reasonOf(error);
    result = { status: 'unhealthy', detail };
  }
  clearTimeout(timer);
  registered.last = result;
  registered.pending = undefined;
  return result;
}

/**
 * Checks the result of a plugin without types: only a valid healthy result counts as healthy, and invalid data must not break
 * the report.
 */
function checked(result: HealthCheckResult | undefined): HealthCheckResult {
  const statuses: readonly unknown[] = ['healthy', 'degraded', 'unhealthy'];
  if (result === undefined || !statuses.includes(result?.status))
    return { status: 'unhealthy', detail: 'the check did not return a status' };
  const { status, detail, data } = result;
  return {
    status,
    ...(detail === undefined ? {} : { detail: String(detail) }),
    ...(isTellable(data) ? { data } : {}),
  };
}

/** Whether it is an object that can be represented as JSON: without bigints and cycles. */
function isTellable(data: unknown): data is Readonly<Record<string, unknown>> {
  try {
    return JSON.stringify(data)?.startsWith('{') ?? false;
  } catch {
    // Data that cannot be represented is omitted; the status still counts.
    return false;
  }
}
