import { AsyncLocalStorage } from 'node:async_hooks';
import { AicoError } from '@aico/protocol';
import { backoffDelay, pause } from '@aico/shared/core/tasks';
import type { Cancellation } from './cancellation.ts';
import { ServiceStartError, ServiceStopError, StartCancelledError } from './errors.ts';
import { PriorityQueue } from './priority-queue.ts';
import type { ServiceEvent } from './service-event.ts';
import { Run, type ServiceRecord } from './service-record.ts';
import type { ServiceState } from './service-state.ts';
import { type AttemptListener, attemptStart } from './start-attempt.ts';
import { stopInstance } from './stop-instance.ts';
import { type StoppedService, StopReport } from './stop-report.ts';

interface SupervisorOptions {
  /** All services, each linked to its dependencies and dependents. */
  readonly records: readonly ServiceRecord[];
  readonly random: () => number;
  readonly onEvent: (event: ServiceEvent) => void;
  /** Called when a service has started, before its dependents start. An error fails the start. */
  readonly whenStarted: (record: ServiceRecord, instance: unknown) => void;
}

/**
 * Starts and stops services, and owns the state of each. A service is launched as soon as its last dependency is running; among
 * those ready at the same moment, lower priority first. Services are stopped one by one in the reverse of the start order.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  /** The work of a service outlives the request that has it started, so it has the context of the container's start. */
  readonly #inOwnContext = AsyncLocalStorage.snapshot();
  readonly #ready = new PriorityQueue<{ readonly record: ServiceRecord; readonly index: number }>((a, b) =>
    a.record.options.priority === b.record.options.priority
      ? a.index < b.index
      : a.record.options.priority < b.record.options.priority,
  );
  #records: readonly ServiceRecord[] = [];
  #indices: ReadonlyMap<ServiceRecord, number> = new Map();
  readonly #runs = new Set<Run>();
  /** In start order. */
  #started: ServiceRecord[] = [];
  /** The number of launched services that neither run nor have failed yet. */
  #undecided = 0;
  #pumping = false;
  readonly #listener: AttemptListener = {
    started: (record, instance) => this.#hasStarted(record, instance),
    trouble: (record, error) => this.#options.onEvent({ kind: 'stop-trouble', service: record.name, error }),
  };
  #failFast = false;
  #failure: Error | undefined;
  #settled: (() => void) | undefined;
  #beganAt = 0;
  #stopBy = Number.POSITIVE_INFINITY;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.adopt(options.records);
  }

  /** Replaces the records. Those that are no longer among them do not run. */
  adopt(records: readonly ServiceRecord[]): void {
    this.#records = records;
    this.#indices = new Map(records.map((record, index) => [record, index]));
  }

  /** Why the start was aborted, if it was. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /**
   * Starts `records` and resolves when each is running, waits for one that is being retried, or has failed. With `failFast`,
   * the first required one that fails cancels all others; see {@link failure}.
   */
  async bringUp(
    records: Iterable<ServiceRecord>,
    { failFast }: { readonly failFast: boolean },
  ): Promise<void> {
    this.#failFast = failFast;
    this.#beganAt = performance.now();
    for (const record of records) {
      record.reset();
      record.openDependencies = 0;
      for (const { state } of record.needs) if (state.kind !== 'running') record.openDependencies += 1;
      record.openFillers = record.fillers.filter(({ state }) => isStarting(state)).length;
      if (isReady(record)) this.#enqueue(record);
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#settled = resolve;
    this.#pump();
    await promise;
    if (this.#failure !== undefined) await Promise.all([...this.#runs].map(({ done }) => done));
  }

  /** Keeps `members`, none of which may be running, from running until they are brought up. */
  hold(members: Iterable<ServiceRecord>, reason: string): void {
    for (const record of members) record.state = { kind: 'held', reason };
  }

  /** Launches nothing more and cancels starts in progress, which may take `graceMs` to end. Final. */
  abandon(reason: Error, graceMs: number): void {
    this.#failure ??= reason;
    this.#ready.clear();
    for (const record of this.#records) record.run?.cancellation.cancel(reason, graceMs);
    this.#settleIfDone();
  }

  /** Limits the stop in progress to `budgetMs` from now. */
  hurry(budgetMs: number): void {
    this.#stopBy = Math.min(this.#stopBy, performance.now() + budgetMs);
  }

  /** Cancels and stops `members`, or all services, dependents first. Never rejects. */
  async takeDown(reason: string, members?: ReadonlySet<ServiceRecord>): Promise<StopReport> {
    const beganAt = performance.now();
    const belongs = (record: ServiceRecord): boolean => members === undefined || members.has(record);
    const cause = new StartCancelledError(reason);
    const runs: Promise<void>[] = [];
    for (const record of this.#records) {
      if (!belongs(record)) continue;
      if (record.state.kind === 'waiting' || record.state.kind === 'held') record.state = { kind: 'stopped' };
      if (record.run === undefined) continue;
      record.run.cancellation.cancel(cause, this.#leftMs() / 2);
      runs.push(record.run.done);
    }
    await Promise.all(runs);
    const leaving = this.#started.filter(belongs).reverse();
    this.#started = this.#started.filter((record) => !belongs(record));
    const stopped: StoppedService[] = [];
    for (const [index, record] of leaving.entries()) {
      stopped.push(await this.#stop(record, index === leaving.length - 1));
    }
    return new StopReport(reason, performance.now() - beganAt, stopped);
  }

  async #stop(record: ServiceRecord, isLast: boolean): Promise<StoppedService> {
    const beganAt = performance.now();
    record.state = { kind: 'stopping' };
    // A service that hangs leaves at least half of the time to its dependencies.
    const shareMs = isLast ? this.#leftMs() : this.#leftMs() / 2;
    const troubles: AicoError[] = await stopInstance(record, record.instance, {
      callStop: true,
      timeoutMs: Math.min(record.options.stopTimeoutMs, shareMs),
    });
    troubles.push(...(await this.#releaseViews(record)));
    record.instance = undefined;
    record.state = { kind: 'stopped' };
    for (const error of troubles)
      this.#options.onEvent({ kind: 'stop-trouble', service: record.name, error });
    const timedOut = troubles.some(({ code }) => code === 'AICO_SERVICE_STOP_TIMEOUT');
    const outcome = timedOut ? 'timeout' : troubles.length > 0 ? 'failed' : 'stopped';
    return { name: record.name, outcome, ms: performance.now() - beganAt, troubles };
  }

  /** Releases the views that its dependencies created for it. */
  async #releaseViews(record: ServiceRecord): Promise<readonly AicoError[]> {
    const troubles: AicoError[] = [];
    for (const needed of record.needs) {
      const taken = needed.takeView(record.name);
      const { releaseView } = needed.registration;
      if (taken === undefined || releaseView === undefined) continue;
      try {
        await releaseView(taken.view);
      } catch (error) {
        troubles.push(new ServiceStopError(record.name, `its view of ${needed.name}`, error));
      }
    }
    return troubles;
  }

  #leftMs(): number {
    return Math.max(0, this.#stopBy - performance.now());
  }

  #enqueue(record: ServiceRecord): void {
    this.#ready.push({ record, index: this.#indices.get(record) ?? 0 });
  }

  #pump(): void {
    this.#pumping = false;
    while (this.#failure === undefined) {
      const next = this.#ready.pop();
      if (next === undefined) break;
      this.#launch(next.record);
    }
    this.#settleIfDone();
  }

  #launch(record: ServiceRecord): void {
    // Stopped or launched since it was queued.
    if (record.state.kind !== 'waiting') return;
    const run = new Run();
    record.run = run;
    record.waitedMs = performance.now() - this.#beganAt;
    this.#undecided += 1;
    run.done = this.#supervise(record, run.cancellation).then(() => {
      record.run = undefined;
      this.#runs.delete(run);
      this.#settleIfDone();
    });
    this.#runs.add(run);
  }

  /** Retries until it runs, has failed permanently, or is cancelled. Never rejects. */
  async #supervise(record: ServiceRecord, cancellation: Cancellation): Promise<void> {
    const retries = record.options.retries ?? (record.required ? 0 : Number.POSITIVE_INFINITY);
    let decided = false;
    const decide = (): void => {
      if (!decided) this.#undecided -= 1;
      decided = true;
    };
    for (;;) {
      record.attempts += 1;
      const error = await this.#attempt(record, cancellation);
      if (error === undefined) return decide();
      if (cancellation.reason !== undefined) {
        if (!(error instanceof StartCancelledError)) record.lastError = error;
        record.state = { kind: 'stopped' };
        return decide();
      }
      record.lastError = error;
      if (record.attempts > retries) {
        record.state = { kind: 'failed', error };
        this.#options.onEvent({ kind: 'failed', service: record.name, required: record.required, error });
        if (record.required && this.#failFast) this.abandon(error, Number.POSITIVE_INFINITY);
        return decide();
      }
      const retryInMs = backoffDelay(record.attempts, record.options.backoff, this.#options.random);
      record.state = { kind: 'retrying', attempt: record.attempts, error, retryInMs };
      this.#options.onEvent({
        kind: 'retrying',
        service: record.name,
        attempt: record.attempts,
        error,
        retryInMs,
      });
      // The start does not wait for an optional service, which is degraded until an attempt succeeds.
      if (!record.required) decide();
      this.#settleIfDone();
      if (!(await pause(retryInMs, cancellation.signal))) {
        record.state = { kind: 'stopped' };
        return decide();
      }
    }
  }

  async #attempt(record: ServiceRecord, cancellation: Cancellation): Promise<AicoError | undefined> {
    try {
      await this.#inOwnContext(() => attemptStart(record, cancellation, this.#listener));
      return undefined;
    } catch (error) {
      return error instanceof AicoError ? error : new ServiceStartError(record.name, error);
    }
  }

  #hasStarted(record: ServiceRecord, instance: unknown): void {
    this.#options.whenStarted(record, instance);
    if (record.attempts > 1) {
      this.#options.onEvent({ kind: 'recovered', service: record.name, attempts: record.attempts });
    }
    record.instance = instance;
    record.state = { kind: 'running' };
    record.lastError = undefined;
    this.#started.push(record);
    for (const dependent of record.neededBy) {
      if (dependent.state.kind !== 'waiting') continue;
      dependent.openDependencies -= 1;
      this.#enqueueIfReady(dependent, record);
    }
    for (const offerer of record.fillerOf) {
      if (offerer.state.kind !== 'waiting') continue;
      offerer.openFillers -= 1;
      this.#enqueueIfReady(offerer, record);
    }
    this.#pumpSoon();
  }

  #enqueueIfReady(record: ServiceRecord, cause: ServiceRecord): void {
    if (!isReady(record)) return;
    record.waitedOn = cause.name;
    this.#enqueue(record);
  }

  #pumpSoon(): void {
    if (this.#ready.size === 0 || this.#pumping) return;
    // Delayed by a microtask, so that services that became ready at the same moment are ordered by priority together.
    this.#pumping = true;
    queueMicrotask(() => this.#pump());
  }

  /**
   * Starts services whose fillers have failed, or wait for a service that has failed.
   * @returns whether there are any
   */
  #startWithoutFillers(): boolean {
    const waiting = this.#records.filter(
      (record) => record.state.kind === 'waiting' && record.openDependencies === 0 && record.openFillers > 0,
    );
    for (const record of waiting) {
      record.openFillers = 0;
      this.#enqueue(record);
    }
    this.#pumpSoon();
    return waiting.length > 0;
  }

  #settleIfDone(): void {
    if (this.#undecided > 0 || (this.#failure === undefined && this.#ready.size > 0)) return;
    if (this.#failure === undefined && this.#settled !== undefined && this.#startWithoutFillers()) return;
    this.#settled?.();
    this.#settled = undefined;
  }
}

function isReady({ openDependencies, openFillers }: ServiceRecord): boolean {
  return openDependencies === 0 && openFillers <= 0;
}

function isStarting({ kind }: ServiceState): boolean {
  return kind === 'waiting' || kind === 'starting';
}
