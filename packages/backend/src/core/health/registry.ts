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

const DEFAULT_TIMEOUT_MS = 1_000;

interface PendingRun {
  readonly since: number;
  /** The result for the first caller, no later than the deadline. */
  readonly outcome: Promise<HealthCheckResult>;
  isTold: boolean;
}

interface RegisteredCheck {
  readonly check: HealthCheck;
  readonly timeoutMs: number;
  readonly critical: boolean;
  /** The run in progress. Concurrent callers get its outcome, so a check that hangs is not started again. */
  pending: PendingRun | undefined;
}

/**
 * Runs every check concurrently, each with its own deadline, and combines the results: `healthy` only if every check is
 * healthy, `unhealthy` if a critical one is, else `degraded`.
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

  /** @throws {HealthCheckTakenError} when the name is in use */
  register(name: string, check: HealthCheck, options: HealthCheckOptions = {}): () => void {
    if (this.#checks.has(name)) throw new HealthCheckTakenError(name);
    const registered: RegisteredCheck = {
      check,
      timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
      critical: options.critical ?? false,
      pending: undefined,
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
      [...this.#checks].map(async ([name, check]) => [name, await ask(check)] as const),
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

async function ask(registered: RegisteredCheck): Promise<HealthCheckOutcome> {
  const beganAt = performance.now();
  const result = await answerOf(registered, beganAt);
  return { ...result, critical: registered.critical, durationMs: performance.now() - beganAt };
}

function answerOf(registered: RegisteredCheck, now: number): Promise<HealthCheckResult> | HealthCheckResult {
  const { check, timeoutMs, pending } = registered;
  if (pending?.isTold === false) return pending.outcome;
  if (pending !== undefined)
    return { status: 'unhealthy', detail: `has not answered for ${Math.round(now - pending.since)} ms` };
  const deadline = new Deadline(timeoutMs);
  const answer = Promise.try(check, deadline.signal).finally(() => {
    registered.pending = undefined;
  });
  const outcome = outcomeOf(answer, deadline, timeoutMs).finally(() => {
    run.isTold = true;
  });
  const run: PendingRun = { since: now, outcome, isTold: false };
  registered.pending = run;
  return outcome;
}

async function outcomeOf(
  answer: Promise<HealthCheckResult>,
  deadline: Deadline,
  timeoutMs: number,
): Promise<HealthCheckResult> {
  using _ = deadline;
  try {
    if (await deadline.settles(answer)) return checked(await answer);
    return { status: 'unhealthy', detail: `did not answer within ${timeoutMs} ms` };
  } catch (error) {
    return { status: 'unhealthy', detail: reasonOf(error) };
  }
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
