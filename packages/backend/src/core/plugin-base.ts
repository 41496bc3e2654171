import type { MessageHandler, PayloadOf, SubscribeOptions, Subscription, Topic } from '@aico/shared/core/bus';
import { getLogger, type Logger } from '@aico/shared/core/logging';
import { IntervalInvalidError } from './errors.ts';
import type { DeclareRoutes, MountOptions } from './gateway.ts';
import type { HealthCheckResult } from './health/types.ts';
import { type Lifecycle, scope } from './lifecycle.ts';
import type { Middleware } from './middleware.ts';
import { type BackgroundWork, type IntervalOptions, keepBeating, keepRunning } from './plugin/background.ts';
import { PluginScope } from './plugin/plugin-scope.ts';
import type { Release } from './plugin/release-stack.ts';
import type { ServiceContainer } from './service-container.ts';
import type { ServiceName, Services } from './services.ts';

/** Which of several that are ready at the same moment comes first. Never overrides a dependency. */
export const PluginPriority = {
  INFRASTRUCTURE: 10,
  SECURITY: 20,
  MIDDLEWARE: 30,
  BUSINESS: 40,
  NORMAL: 100,
} as const;

export type PluginPriority = (typeof PluginPriority)[keyof typeof PluginPriority];

/** What a plugin says of itself. */
export interface PluginMetadata {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly priority: PluginPriority | number;
}

export interface AddRoutesOptions extends MountOptions {
  /** Below `/api/v1`. Default: the plugin's name. */
  readonly place?: string;
}

const NEVER = new AbortController().signal;
const LONGEST_INTERVAL_MS = 2 ** 31 - 1;

/**
 * The base of every plugin. Override what is needed of `initialize`, `start`, `stop` and `healthCheck`.
 *
 * Whatever is opened through this class is released by itself at the stop, also when the start failed half-way:
 * first routes and subscriptions are closed and what is in flight is finished, then {@link signal} is aborted and
 * `stop()` is called, then background work, timers and what was handed to {@link onStop} are released. Each time
 * last opened first.
 *
 * @example
 * ```ts
 * class Greeter extends BasePlugin {
 *   get metadata() {
 *     return { name: 'Greeter', version: '1.0.0', description: 'Says hello', priority: PluginPriority.NORMAL };
 *   }
 *   override async start() {
 *     await this.subscribe('person.arrived', (topic, person) => this.logger.info('Hello', { person }));
 *     this.every('greetings', 60_000, (signal) => this.#greetAll(signal));
 *   }
 * }
 * ```
 */
export abstract class BasePlugin implements Lifecycle, AsyncDisposable {
  /** The name it is registered under. */
  readonly name: string;
  protected readonly container: ServiceContainer;
  /** The container's hold on what this plugin opened. */
  readonly [scope]: PluginScope;
  #logger: Logger | undefined;
  #fallbackLogger: Logger | undefined;

  constructor(name: string, container: ServiceContainer) {
    this.name = name;
    this.container = container;
    this[scope] = new PluginScope(name, () => this.logger);
  }

  abstract get metadata(): PluginMetadata;

  /** Finds what it needs. Everything it depends on runs. */
  async initialize(_signal: AbortSignal): Promise<void> {}

  /** Begins its work, and resolves once it runs. What goes on belongs in {@link runInBackground} or {@link every}. */
  async start(_signal: AbortSignal): Promise<void> {}

  /** Ends what it did not open through this class. Called once, also when the start failed half-way. */
  async stop(_signal: AbortSignal): Promise<void> {}

  /** How it is; asked while it runs. What throws or takes too long is unhealthy. */
  healthCheck?(signal: AbortSignal): HealthCheckResult | Promise<HealthCheckResult>;

  /** Aborted when it stops, or its start is called off. Pass it on to whatever takes long. */
  get signal(): AbortSignal {
    return this[scope].signal;
  }

  /** Its own logger. May be replaced. */
  protected get logger(): Logger {
    if (this.#logger !== undefined) return this.#logger;
    const logging = this.container.findService('logging');
    if (logging !== undefined) {
      this.#logger = logging.getLogger(this.name, 'plugin');
      return this.#logger;
    }
    this.#fallbackLogger ??= getLogger(this.name, 'plugin');
    return this.#fallbackLogger;
  }

  protected set logger(logger: Logger) {
    this.#logger = logger;
  }

  /**
   * A service it depends on. May be called from the constructor on.
   *
   * @throws {DependencyUndeclaredError} when it is not among the declared dependencies
   * @throws {ServiceUnknownError} when nobody registered it
   * @throws {ServiceNotRunningError} when it does not run now
   * @example const database = this.requireService('database');
   */
  protected requireService<N extends ServiceName>(name: N): Services[N] {
    return this.container.resolve(this.name, name);
  }

  /**
   * Hears messages until it stops. In force when it resolves. Needs the dependency `'message_bus'`.
   *
   * @example await this.subscribe('notes.*', (topic, note) => this.#index(note));
   */
  protected async subscribe<T extends string | Topic>(
    topic: T,
    handler: MessageHandler<PayloadOf<T>>,
    options?: SubscribeOptions,
  ): Promise<Subscription> {
    const bus = this.requireService('message_bus');
    const pattern = typeof topic === 'string' ? topic : topic.name;
    const { opened, held } = await this[scope].openIntake(
      `subscription "${pattern}"`,
      () => bus.subscribe(topic, handler, options),
      (subscription) => subscription.unsubscribe(),
    );
    return {
      pattern: opened.pattern,
      get stats() {
        return opened.stats;
      },
      unsubscribe: () => held.release(),
    };
  }

  /**
   * Serves routes under `/api/v1/<its name>`, or another place below `/api/v1`, until it stops; requests in flight are
   * finished then. Each route says by `config: { access }` what its caller needs. Needs the dependency `'gateway'`. The returned function takes them away earlier.
   *
   * @example await this.addRoutes((app) => { app.get('/', { config: { access: 'notes:read' } }, async () => ({ notes: [] })); });
   */
  protected async addRoutes(
    declare: DeclareRoutes,
    { place = this.name, ...options }: AddRoutesOptions = {},
  ): Promise<() => Promise<void>> {
    const gateway = this.requireService('gateway');
    const { held } = await this[scope].openIntake(
      `routes of ${place}`,
      () => gateway.mount(place, declare, options),
      (unmount) => unmount(),
    );
    return () => held.release();
  }

  /**
   * Puts a middleware around every route, inside those that were added before, until it stops. Needs the dependency
   * `'gateway'`. The returned function takes it away earlier.
   *
   * @example await this.addMiddleware(new CustomMiddleware(keyManager));
   */
  protected async addMiddleware(middleware: Middleware): Promise<() => Promise<void>> {
    const gateway = this.requireService('gateway');
    const { held } = await this[scope].openIntake(
      `middleware ${middleware.constructor.name}`,
      async () => gateway.addMiddleware(middleware),
      (remove) => remove(),
    );
    return () => held.release();
  }

  /**
   * Runs `work` every `intervalMs` until the plugin stops, the first time after one interval unless `firstAfterMs`
   * says otherwise. Two runs never overlap: a run that takes longer than the interval skips the runs it misses. A
   * failure is logged. The returned function ends the timer earlier and resolves when no run is under way.
   *
   * @throws {IntervalInvalidError} when an interval is not between 1 and 2147483647; `firstAfterMs` may be 0
   */
  protected every(
    name: string,
    intervalMs: number,
    work: BackgroundWork,
    options: IntervalOptions = {},
  ): () => Promise<void> {
    const { firstAfterMs = intervalMs } = options;
    if (!(intervalMs >= 1 && intervalMs <= LONGEST_INTERVAL_MS))
      throw new IntervalInvalidError(name, intervalMs);
    if (!(firstAfterMs >= 0 && firstAfterMs <= LONGEST_INTERVAL_MS))
      throw new IntervalInvalidError(name, firstAfterMs);
    const held = this[scope].run(`timer "${name}"`, (signal) =>
      keepBeating(name, intervalMs, work, signal, () => this.logger, options),
    );
    return () => held.release();
  }

  /**
   * Does `work` beside everything else, until it resolves or the plugin stops. When it fails, the failure is logged
   * and it begins again after a growing wait. The returned function ends it earlier and resolves when it has.
   *
   * @example
   * ```ts
   * this.runInBackground('queue', async (signal) => {
   *   while (!signal.aborted) await this.#processNext(signal);
   * });
   * ```
   */
  protected runInBackground(name: string, work: BackgroundWork): () => Promise<void> {
    const held = this[scope].run(`background task "${name}"`, (signal) =>
      keepRunning(name, work, signal, () => this.logger),
    );
    return () => held.release();
  }

  /**
   * Releases something when the plugin stops, after what was opened later. The returned function does so earlier.
   *
   * @throws {PluginStoppedError} when it has stopped already; `release` is called all the same
   */
  protected onStop(release: Release): () => Promise<void> {
    const held = this[scope].own('what onStop() was given', release);
    return () => held.release();
  }

  /** Releases everything it opened, without calling `stop()`: for one that no container runs. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this[scope].drain(NEVER);
    await this[scope].release(NEVER);
  }
}
