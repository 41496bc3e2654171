import { ExitCode } from '@aico/protocol';
import type { Logger } from '@aico/shared/core/logging';
import { currentWork } from '@aico/shared/core/tracing';
import { ContainerStateError, StopBudgetError } from './container/errors.ts';
import type { ServiceContainer } from './container/service-container.ts';
import type { StartReport } from './container/start-report.ts';
import { StopReport } from './container/stop-report.ts';
import { Deadline } from './deadline.ts';
import { type AttachOptions, attachToProcess, type ProcessLike } from './process/process-events.ts';

/** Milliseconds for each hook after the stop: they only release resources. */
const AFTER_STOP_MS = 1_000;

/** The state of the backend. */
export type LifecycleState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'starting' }
  | { readonly kind: 'ready'; readonly report: StartReport }
  | { readonly kind: 'draining'; readonly reason: string }
  | {
      readonly kind: 'stopped';
      readonly reason: string;
      readonly report: StopReport;
      /** Milliseconds that the hooks before the stop took, mostly for requests in flight. */
      readonly drainMs: number;
      readonly exitCode: ExitCode;
    }
  | { readonly kind: 'failed'; readonly error: unknown };

/** The final state. */
export type Ending = Extract<LifecycleState, { kind: 'stopped' }>;

/** The parts of a lifecycle manager, and the budget of its stop. */
export interface LifecycleOptions {
  readonly container: ServiceContainer;
  /** Milliseconds that a stop may take in all. Default 10 000. */
  readonly stopBudgetMs?: number;
  /** Milliseconds that the orderly stop after an uncaught error may take. Default 3 000. */
  readonly crashBudgetMs?: number;
  /** Default: the container's `logging` service, while it runs. */
  readonly logger?: Logger;
}

/** Called when a stop begins, before any service is stopped, with a signal for its deadline. */
type BeforeDrain = (deadline: AbortSignal) => unknown;

/** Called after every service has stopped, before the process exits. */
type AfterStop = (ending: Ending) => unknown;

/**
 * Manages the process around a container: start, ready, drain, stop, signals and uncaught errors.
 *
 * @example
 * ```ts
 * const lifecycle = new BackendLifecycleManager({ container });
 * lifecycle.handleProcess(process);
 * await lifecycle.start();
 * const { exitCode } = await lifecycle.ended;
 * ```
 */
export class BackendLifecycleManager {
  readonly #container: ServiceContainer;
  readonly #stopBudgetMs: number;
  readonly #crashBudgetMs: number;
  readonly #logger: Logger | undefined;
  readonly #beforeDrain = new Set<BeforeDrain>();
  readonly #afterStop = new Set<AfterStop>();
  readonly #ended = Promise.withResolvers<Ending>();
  #state: LifecycleState = { kind: 'idle' };
  #starting: Promise<StartReport> | undefined;
  #stopping: Promise<Ending> | undefined;

  constructor({ container, stopBudgetMs = 10_000, crashBudgetMs = 3_000, logger }: LifecycleOptions) {
    this.#container = container;
    this.#stopBudgetMs = stopBudgetMs;
    this.#crashBudgetMs = crashBudgetMs;
    this.#logger = logger;
  }

  get state(): LifecycleState {
    return this.#state;
  }

  /** Whether it accepts work: false before the start is complete, and from the beginning of a stop. */
  get ready(): boolean {
    return this.#state.kind === 'ready';
  }

  /** Resolves when it has stopped, for any reason; not after a failed start, which `start()` reports. */
  get ended(): Promise<Ending> {
    return this.#ended.promise;
  }

  /** Adds a hook that runs when a stop begins: {@link ready} is false, and everything still runs. */
  beforeDrain(hook: BeforeDrain): () => void {
    this.#beforeDrain.add(hook);
    return () => this.#beforeDrain.delete(hook);
  }

  /**
   * Adds a hook that runs when every service has stopped: it closes the log and releases the home. The stop, and with it the
   * end of the process, waits for it, a second at most. Last added first.
   */
  afterStop(hook: AfterStop): () => void {
    this.#afterStop.add(hook);
    return () => this.#afterStop.delete(hook);
  }

  /**
   * Starts every service. Concurrent calls share one start.
   *
   * @throws the errors of `ServiceContainer.start`; all started services have been stopped again
   */
  start(): Promise<StartReport> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  /**
   * Stops everything within the budget: first it reports not ready, then it runs the hooks, then it stops the services,
   * dependents first. Never rejects. Concurrent calls share one stop.
   *
   * @param budgetMs milliseconds, instead of the default budget
   */
  stop(reason: string, budgetMs: number = this.#stopBudgetMs): Promise<Ending> {
    this.#stopping ??= this.#stop(reason, budgetMs);
    return this.#stopping;
  }

  /**
   * Handles signals and uncaught errors. The first SIGTERM or SIGINT stops the backend within the budget; a second is handled
   * by the system, which ends the process at once (128 + n to a shell). An uncaught error is logged and followed by one orderly
   * attempt and exit code 70. An error caused by the connection of a peer ends that connection only. Code that ends the process
   * itself, as by `process.exit`, is logged before the process ends. The returned function removes the handlers.
   */
  handleProcess(target: ProcessLike, options: AttachOptions = {}): () => void {
    return attachToProcess(
      target,
      {
        stop: async (reason) => (await this.stop(reason)).exitCode,
        contain: (error) => this.#container.findService('gateway')?.guard.contain(error) === true,
        crash: async (error, origin) => {
          this.#logFatal(error, origin);
          await this.#stopWithin(this.#crashBudgetMs, origin);
        },
        noteExit: ({ call, from }) => {
          const plugin = currentWork()?.names.plugin;
          const what =
            plugin === undefined ? 'Code of the process ends it' : `Plugin "${plugin}" ends the process`;
          this.#log()?.fatal(`${what} by ${call}`, { error: from });
        },
      },
      options,
    );
  }

  async #start(): Promise<StartReport> {
    if (this.#state.kind !== 'idle') {
      throw new ContainerStateError(
        'start',
        this.#state.kind,
        'A lifecycle is lived once: make a new manager.',
      );
    }
    this.#state = { kind: 'starting' };
    try {
      const report = await this.#container.start();
      // A stop that came meanwhile takes precedence.
      if (this.#state.kind === 'starting') this.#state = { kind: 'ready', report };
      return report;
    } catch (error) {
      if (this.#state.kind === 'starting') this.#state = { kind: 'failed', error };
      throw error;
    }
  }

  async #stop(reason: string, budgetMs: number): Promise<Ending> {
    this.#state = { kind: 'draining', reason };
    const beganAt = performance.now();
    const leftMs = (): number => Math.max(0, beganAt + budgetMs - performance.now());
    this.#log()?.info('Stopping', { reason, budgetMs });
    const drained = await this.#runHooks(budgetMs / 2);
    const drainMs = performance.now() - beganAt;
    // The container keeps to the budget itself; this holds even if something in it does not.
    using deadline = new Deadline(leftMs() + 250);
    const stopped = this.#container.stop({ reason, budgetMs: leftMs() });
    const inTime = await deadline.settles(stopped);
    const report = inTime ? await stopped : new StopReport(reason, performance.now() - beganAt, []);
    const exitCode =
      !inTime || !drained || report.timedOut
        ? ExitCode.stopTimeout
        : report.clean
          ? ExitCode.ok
          : ExitCode.failure;
    if (!inTime) this.#log()?.error('The stop did not end in time', { error: new StopBudgetError(budgetMs) });
    const ending = { kind: 'stopped', reason, report, drainMs, exitCode } as const;
    await this.#runAfterStop(ending);
    this.#state = ending;
    this.#ended.resolve(ending);
    return ending;
  }

  /** @returns whether all hooks ended in time */
  async #runHooks(budgetMs: number): Promise<boolean> {
    if (this.#beforeDrain.size === 0) return true;
    using deadline = new Deadline(budgetMs);
    const hooks = [...this.#beforeDrain].map(async (hook) => {
      try {
        await hook(deadline.signal);
      } catch (error) {
        this.#log()?.error('A hook before the stop failed', { error });
      }
    });
    const inTime = await deadline.settles(Promise.all(hooks));
    if (!inTime) this.#log()?.warn('A hook before the stop did not end in time', { budgetMs });
    return inTime;
  }

  async #runAfterStop(ending: Ending): Promise<void> {
    for (const hook of [...this.#afterStop].reverse()) {
      using deadline = new Deadline(AFTER_STOP_MS);
      try {
        if (!(await deadline.settles(Promise.try(hook, ending)))) {
          this.#log()?.warn('A hook after the stop did not end in time', { budgetMs: AFTER_STOP_MS });
        }
      } catch (error) {
        this.#log()?.error('A hook after the stop failed', { error });
      }
    }
  }

  async #stopWithin(budgetMs: number, reason: string): Promise<void> {
    using deadline = new Deadline(budgetMs);
    // Shortens a stop that is in progress.
    if (this.#stopping !== undefined) void this.#container.stop({ reason, budgetMs });
    await deadline.settles(this.stop(reason, budgetMs));
  }

  #log(): Logger | undefined {
    return this.#logger ?? this.#container.findService('logging')?.getLogger('backend', 'lifecycle');
  }

  #logFatal(error: unknown, origin: string): void {
    const log = this.#log();
    if (log === undefined)
      process.emitWarning(`${origin}: ${error instanceof Error ? error.stack : String(error)}`);
    else log.fatal('An uncaught error ends the process', { origin, error });
  }
}
