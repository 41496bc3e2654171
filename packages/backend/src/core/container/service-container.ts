import { lifecycleOf } from '../lifecycle.ts';
import type { ServiceName, Services } from '../services.ts';
import { type ChangeOutcome, Changes, type ServiceChange } from './changes.ts';
import type {
  ContainerState,
  InstanceOf,
  ServiceContainerOptions,
  ServiceFactory,
  StopOptions,
} from './container-types.ts';
import type { DependencyGraph } from './dependency-graph.ts';
import {
  ContainerStateError,
  DependencyUndeclaredError,
  ServiceNotRunningError,
  ServiceUnknownError,
  StartCancelledError,
} from './errors.ts';
import { Registry } from './registry.ts';
import { reportServiceEvent, type ServiceEvent } from './service-event.ts';
import { resolveOptions, type ServiceOptions } from './service-options.ts';
import type { Registration, ServiceRecord } from './service-record.ts';
import type { ServiceState } from './service-state.ts';
import { reportOn, StartReport } from './start-report.ts';
import { StopReport } from './stop-report.ts';
import { Supervisor } from './supervisor.ts';

/**
 * Holds all services, starts them in the order of their dependencies and stops them in reverse. Nothing runs before {@link
 * start}, which checks the whole graph first.
 *
 * @example
 * ```ts
 * const container = new ServiceContainer();
 * container.registerInstance('config', config);
 * container.registerService('my_plugin', () => new MyPlugin('my_plugin', container), {
 *   dependencies: ['config', 'database'],
 *   priority: 100,
 * });
 * const report = await container.start();
 * await container.stop();
 * ```
 */
export class ServiceContainer {
  #registry = new Registry();
  readonly #onEvent: (event: ServiceEvent) => void;
  readonly #random: () => number;
  readonly #startTimeoutMs: number | undefined;
  #state: ContainerState = { kind: 'idle' };
  #supervisor: Supervisor | undefined;
  #startReport: StartReport | undefined;
  readonly #changes = new Changes({
    registry: () => this.#registry,
    adopt: (registry) => {
      this.#registry = registry;
    },
    state: () => this.#state.kind,
    supervisor: () => this.#supervisor,
  });

  constructor(options: ServiceContainerOptions = {}) {
    this.#onEvent = options.onEvent ?? ((event) => reportServiceEvent(event, this.findService('logging')));
    this.#random = options.random ?? Math.random;
    this.#startTimeoutMs = options.startTimeoutMs;
  }

  get state(): ContainerState {
    return this.#state;
  }

  /**
   * Registers the factory and the options of a service. A duplicate name is reported by {@link check}.
   *
   * @throws {ServiceOptionError} when an option is invalid
   * @throws {ContainerStateError} once started
   */
  registerService<N extends string>(
    name: N,
    factory: ServiceFactory<N>,
    options: ServiceOptions<InstanceOf<N>> = {},
  ): void {
    this.#register(this.registration(name, factory, options));
  }

  /**
   * A service for {@link change}, with the arguments of {@link registerService}.
   *
   * @throws {ServiceOptionError} when an option is invalid
   */
  registration<N extends string>(
    name: N,
    factory: ServiceFactory<N>,
    options: ServiceOptions<InstanceOf<N>> = {},
  ): Registration {
    const { stop, viewFor, releaseView } = options;
    return {
      name,
      options: resolveOptions(name, options, this.#startTimeoutMs),
      make: () => factory((dependency) => this.resolve(name, dependency)),
      ...(stop === undefined ? {} : { end: stop }),
      ...(viewFor === undefined ? {} : { viewFor }),
      ...(releaseView === undefined ? {} : { releaseView }),
    };
  }

  /**
   * Registers an existing object. It is available at once and remains the caller's: the container neither starts nor stops it.
   *
   * @throws {ContainerStateError} once started
   */
  registerInstance<N extends string>(name: N, instance: InstanceOf<N>): void {
    const record = this.#register({
      name,
      options: resolveOptions(name, {}),
      make: () => instance,
      isInstance: true,
    });
    record.instance = instance;
    record.state = { kind: 'running' };
  }

  /** The registered names, in order of registration. */
  get names(): readonly string[] {
    return [...this.#records.keys()];
  }

  has(name: string): boolean {
    return this.#records.has(name);
  }

  /**
   * Returns a running service. Plugins use `requireService`, which also checks that the dependency was declared.
   *
   * @throws {ServiceUnknownError} when it is not registered
   * @throws {ServiceNotRunningError} when it is not running
   */
  getService<N extends ServiceName>(name: N): Services[N] {
    return this.#running(name, undefined);
  }

  /** Returns a service if it is running, for optional uses. */
  findService<N extends ServiceName>(name: N): Services[N] | undefined {
    return this.#records.get(name)?.state.kind === 'running' ? this.#running(name, undefined) : undefined;
  }

  /** The running instance of a name that is only known at run time, such as a loaded plugin's. */
  findInstance(name: string): unknown {
    const record = this.#records.get(name);
    return record?.state.kind === 'running' ? record.instance : undefined;
  }

  /**
   * Returns a running service for a consumer that declared it.
   *
   * @throws {DependencyUndeclaredError} when it is not in the `dependencies` of `consumer`
   * @throws {ServiceUnknownError} when `consumer` or `name` is not registered
   * @throws {ServiceNotRunningError} when it is not running
   */
  resolve<N extends ServiceName>(consumer: string, name: N): Services[N] {
    const record = this.#records.get(consumer);
    if (record === undefined) throw new ServiceUnknownError(consumer);
    const { dependencies } = record.options;
    if (!dependencies.includes(name)) throw new DependencyUndeclaredError(consumer, name, dependencies);
    this.#running(name, consumer);
    // As in `#running`: a view has the type of its service.
    return this.#records.get(name)?.instanceFor(consumer) as Services[N];
  }

  /** The dependencies as registered so far. No service has to run. */
  get graph(): DependencyGraph {
    return this.#registry.graph;
  }

  /** @throws {DependencyGraphError} listing everything that is missing, circular or duplicate, each with its path */
  check(): void {
    this.graph.check();
  }

  /**
   * Starts everything. Resolves once every required service runs and every optional one runs, has failed and is being retried,
   * or waits for such a one. Concurrent calls share one start. It can be called again after a stop.
   *
   * @throws {DependencyGraphError} before anything has run
   * @throws {AicoError} of the required service that failed first, after all started services have been stopped again
   * @throws {StartCancelledError} when {@link stop} was called meanwhile
   * @throws {ContainerStateError} while it stops
   */
  async start(): Promise<StartReport> {
    if (this.#state.kind === 'starting' || this.#state.kind === 'running') return this.#state.outcome;
    if (this.#state.kind === 'stopping') {
      throw new ContainerStateError('start', 'stopping', 'Wait for stop() to resolve.');
    }
    const records = this.#registry.link();
    const supervisor = new Supervisor({
      records,
      random: this.#random,
      onEvent: (event) => this.#tell(event),
      whenStarted: (record, instance) => this.#watchHealth(record, instance),
    });
    this.#supervisor = supervisor;
    const { held } = this.#changes;
    this.#changes.applyHold(supervisor);
    const { promise, resolve } = Promise.withResolvers<StartReport>();
    // The state is set before the first factory runs, since a factory may read it.
    this.#state = { kind: 'starting', outcome: promise };
    resolve(
      this.#bringUp(
        supervisor,
        records.filter((record) => !record.registration.isInstance && !held.has(record)),
      ),
    );
    return promise;
  }

  /**
   * Stops everything, dependents first, in the reverse of the start order. A start in progress is cancelled and rolled back. A
   * service that throws or hangs is reported, and the others are still stopped; this never rejects. Concurrent calls
   * share one stop.
   */
  async stop({ reason = 'stop', budgetMs }: StopOptions = {}): Promise<StopReport> {
    const supervisor = this.#supervisor;
    if (budgetMs !== undefined) supervisor?.hurry(budgetMs);
    switch (this.#state.kind) {
      case 'idle':
        return new StopReport(reason, 0, []);
      case 'stopped':
        return this.#state.report;
      case 'stopping':
        return this.#state.outcome;
      case 'starting': {
        const graceMs = budgetMs === undefined ? Number.POSITIVE_INFINITY : budgetMs / 2;
        supervisor?.abandon(new StartCancelledError(reason), graceMs);
        // start() reports its failure to its caller; here only the rollback matters.
        await this.#state.outcome.catch(() => undefined);
        return this.stop({ reason });
      }
      case 'running': {
        supervisor?.abandon(new StartCancelledError(reason), (budgetMs ?? Number.POSITIVE_INFINITY) / 2);
        return this.#takeDown(reason, this.#changes.settled);
      }
    }
  }

  /**
   * Stops one service and all that depend on it, dependents first, and starts them again in order; the others keep running. It
   * also restarts one that has failed or is being retried. Reloads run one at a time.
   *
   * @throws {ServiceUnknownError} when it is not registered
   * @throws {ContainerStateError} when the container is not running, or the service was registered as an instance
   * @throws {AicoError} of a required service that failed to start again; the container keeps running without it
   */
  async reload(name: string): Promise<StartReport> {
    const record = this.#records.get(name);
    if (record === undefined) throw new ServiceUnknownError(name);
    if (record.registration.isInstance) {
      throw new ContainerStateError(
        `reload "${name}"`,
        'not its owner',
        'It was registered with registerInstance; only what registerService made can be made again.',
      );
    }
    return this.#changes.reload(record);
  }

  /**
   * Adds, replaces or removes services while the container runs. The new graph is checked first. Then the services of the
   * change and all that depend on them are stopped, dependents first, and started again in order; the others keep running.
   * If a service does not start, the services before the change are started again. Runs one at a time with {@link reload}.
   *
   * @throws {DependencyGraphError} before anything is stopped
   * @throws {ContainerStateError} when the container does not run
   * @throws {StartCancelledError} when a stop came first
   */
  async change(change: ServiceChange): Promise<ChangeOutcome> {
    return this.#changes.change(change);
  }

  /**
   * Keeps `names`, and all that depend on them, from running: running ones are stopped, dependents first, and a start omits
   * them. The others keep running. Ends with {@link release}; runs one at a time with {@link reload}.
   *
   * @example
   * ```ts
   * await container.hold(['database'], 'locked');
   * keyManager.lock();
   * ```
   * @throws {ServiceUnknownError} when one of them is not registered
   * @throws {ContainerStateError} during a start or stop, or when something is already held
   */
  async hold(names: readonly string[], reason: string): Promise<void> {
    for (const name of names) if (!this.#records.has(name)) throw new ServiceUnknownError(name);
    await this.#changes.hold(names, reason);
  }

  /**
   * Starts the held services. When a required one fails, all of them are stopped and held again.
   *
   * @throws {AicoError} of the required service that failed first
   * @throws {ContainerStateError} when the container is not running
   */
  async release(): Promise<StartReport> {
    return this.#changes.release();
  }

  /** The present state of every service. */
  report(): StartReport {
    return new StartReport(
      this.#startReport?.totalMs ?? 0,
      [...this.#records.values()].map((record) => reportOn(record, (name) => this.#isRunning(name))),
    );
  }

  /** The state at the end of the last start, before any rollback. */
  get startReport(): StartReport | undefined {
    return this.#startReport;
  }

  /** @throws {ServiceUnknownError} when it is not registered */
  stateOf(name: string): ServiceState {
    const record = this.#records.get(name);
    if (record === undefined) throw new ServiceUnknownError(name);
    return record.state;
  }

  #register(registration: Registration): ServiceRecord {
    if (this.#state.kind !== 'idle' && this.#state.kind !== 'stopped') {
      throw new ContainerStateError(
        `register "${registration.name}"`,
        this.#state.kind,
        'Register every service before start(): the graph is checked as a whole.',
      );
    }
    return this.#registry.add(registration);
  }

  get #records(): ReadonlyMap<string, ServiceRecord> {
    return this.#registry.byName;
  }

  async #bringUp(supervisor: Supervisor, records: readonly ServiceRecord[]): Promise<StartReport> {
    const beganAt = performance.now();
    await supervisor.bringUp(records, { failFast: true });
    const report = this.#snapshot(performance.now() - beganAt);
    const { failure } = supervisor;
    if (failure === undefined) {
      this.#state = { kind: 'running', outcome: Promise.resolve(report) };
      return report;
    }
    await this.#takeDown(failure.message);
    throw failure;
  }

  #snapshot(totalMs: number): StartReport {
    const { services } = this.report();
    this.#startReport = new StartReport(totalMs, services);
    return this.#startReport;
  }

  #takeDown(reason: string, after: Promise<unknown> = Promise.resolve()): Promise<StopReport> {
    const outcome = after
      .then(() => this.#supervisor?.takeDown(reason) ?? new StopReport(reason, 0, []))
      .then((report) => {
        this.#state = { kind: 'stopped', report };
        return report;
      });
    this.#state = { kind: 'stopping', outcome };
    return outcome;
  }

  #watchHealth(record: ServiceRecord, instance: unknown): void {
    const { name, required } = record;
    const service = lifecycleOf(instance);
    if (service.healthCheck === undefined) return;
    record.removeHealthCheck = this.findService('health')?.register(
      name,
      async (signal) => (await service.healthCheck?.(signal)) ?? { status: 'healthy' },
      { critical: required },
    );
  }

  #isRunning(name: string): boolean {
    return this.#records.get(name)?.state.kind === 'running';
  }

  #running<N extends ServiceName>(name: N, askedBy: string | undefined): Services[N] {
    const record = this.#records.get(name);
    if (record === undefined) throw new ServiceUnknownError(name, askedBy);
    if (record.state.kind !== 'running') throw new ServiceNotRunningError(name, record.state.kind, askedBy);
    // The one cast from a name to its type: registerService() checked it when the service was registered.
    return record.instance as Services[N];
  }

  #tell(event: ServiceEvent): void {
    try {
      this.#onEvent(event);
    } catch (error) {
      // A listener that throws must not fail a start or a stop.
      process.emitWarning(error instanceof Error ? error : String(error));
    }
  }
}
