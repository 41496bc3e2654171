import type {
  ConsumeHandler,
  ConsumeOptions,
  Consumption,
  MessageHandler,
  PayloadOf,
  SubscribeOptions,
  Subscription,
  Topic,
} from '@aico/shared/core/bus';
import { getLogger, type Logger } from '@aico/shared/core/logging';
import { type Clock, systemClock } from '@aico/shared/core/tasks';
import { withPlugin } from '@aico/shared/core/tracing';
import type { ServiceContainer } from '../container/service-container.ts';
import { DEFAULT_PRIORITY } from '../container/service-options.ts';
import type { DeclareRoutes, MountOptions } from '../gateway.ts';
import { scope } from '../lifecycle.ts';
import type { Middleware } from '../middleware.ts';
import type { ServiceName, Services } from '../services.ts';
import { type BackgroundWork, type IntervalOptions, keepBeating, keepRunning } from './background.ts';
import { checkingCapabilities, checkTopic } from './declared.ts';
import { ExtensionUndeclaredError, IntervalInvalidError } from './errors.ts';
import type { ExtensionPoint } from './extension-point.ts';
import type { Extensions } from './extensions.ts';
import { PluginScope } from './plugin-scope.ts';
import type { Release } from './release-stack.ts';

interface AddRoutesOptions extends MountOptions {
  /** Below `/api/v1`. Default: the plugin's name. */
  readonly place?: string;
}

const LONGEST_INTERVAL_MS = 2 ** 31 - 1;

/** Services that every plugin may use without declaring them. */
export const COMMON_SERVICES = ['config', 'logging', 'health'] as const;
type CommonService = (typeof COMMON_SERVICES)[number];

/**
 * The API of a plugin. `start(plugin)` of a definition receives it, and the methods of `BasePlugin` are the same.
 *
 * Everything that is opened through it is released when the plugin stops, also after a failed start: first routes,
 * subscriptions and consumers are closed and pending work finishes, then {@link signal} is aborted, then background work,
 * timers and the functions passed to {@link onStop} are released. Within each step the last opened is released first.
 */
export class PluginContext<Dependency extends ServiceName = ServiceName> {
  /** The name that the plugin is registered under. */
  readonly name: string;
  /** The resources that the plugin has opened, for the container. */
  readonly [scope]: PluginScope;
  readonly #container: ServiceContainer;
  #logger: Logger | undefined;
  #fallbackLogger: Logger | undefined;

  constructor(name: string, container: ServiceContainer) {
    this.name = name;
    this.#container = container;
    this[scope] = new PluginScope(name, () => this.logger);
  }

  /** Aborted when the plugin stops, or when its start is cancelled. Pass it to long operations. */
  get signal(): AbortSignal {
    return this[scope].signal;
  }

  /** The plugin's own logger; `aico logs tail --service NAME` shows its lines. It may be replaced. */
  get logger(): Logger {
    if (this.#logger !== undefined) return this.#logger;
    const logging = this.#container.findService('logging');
    if (logging !== undefined) {
      this.#logger = logging.getLogger(this.name, 'plugin');
      return this.#logger;
    }
    this.#fallbackLogger ??= getLogger(this.name, 'plugin');
    return this.#fallbackLogger;
  }

  set logger(logger: Logger) {
    this.#logger = logger;
  }

  /**
   * Tells the time and waits, as the timers of {@link every} do. A plugin that uses it in place of `Date` and
   * `setTimeout()` can be tested without waiting: see `TestClock` of `@aico/backend/testing`.
   *
   * @example const today = new Date(plugin.clock.now()).toISOString().slice(0, 10);
   */
  get clock(): Clock {
    return this.#container.findService('clock') ?? systemClock;
  }

  /**
   * A service that the plugin depends on.
   *
   * @throws {DependencyUndeclaredError} when it is not among the declared dependencies
   * @throws {ServiceUnknownError} when no such service is registered
   * @throws {ServiceNotRunningError} when it is not running
   * @example const database = plugin.requireService('database');
   */
  requireService<N extends Dependency | CommonService>(name: N): Services[N] {
    return this.#container.resolve(this.name, name);
  }

  /**
   * Handles the messages of a topic or pattern until the plugin stops. The subscription is in force when the promise resolves.
   * Needs the dependency `'message_bus'`.
   *
   * @throws {TopicUndeclaredError} when the topic belongs to a plugin that does not publish it
   * @example await plugin.subscribe('notes.*', (topic, note) => index(note));
   */
  async subscribe<T extends string | Topic>(
    topic: T,
    handler: MessageHandler<PayloadOf<T>>,
    options?: SubscribeOptions,
  ): Promise<Subscription> {
    const bus = this.#container.resolve(this.name, 'message_bus');
    const pattern = this.#checkedPattern(topic);
    const { opened, held } = await this[scope].openIntake(
      `subscription "${pattern}"`,
      () =>
        bus.subscribe(topic, (...delivered) => withPlugin(this.name, () => handler(...delivered)), options),
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
   * Handles the durable messages of a topic or pattern until the plugin stops, each until it is acknowledged. Messages that
   * were published while the plugin was not running are delivered too. A handler that throws receives the message again after
   * an increasing delay. Needs the dependency `'message_bus'`.
   *
   * @param consumer the name under which the database stores the progress of this consumer; it must never change
   * @throws {TopicUndeclaredError} when the topic belongs to a plugin that does not publish it
   * @example
   * ```ts
   * await plugin.consume(noteAdded, 'notes-counter', async (_topic, note, { ack }) => {
   *   await database.transaction(async (tx) => {
   *     await tx.execute('INSERT INTO notes_words (note, words) VALUES (?, ?)', [note.id, count(note.text)]);
   *     await ack(tx);
   *   });
   * });
   * ```
   */
  async consume<T extends string | Topic>(
    topic: T,
    consumer: string,
    handler: ConsumeHandler<PayloadOf<T>>,
    options?: ConsumeOptions,
  ): Promise<Consumption> {
    const bus = this.#container.resolve(this.name, 'message_bus');
    this.#checkedPattern(topic);
    const { opened, held } = await this[scope].openIntake(
      `consumer "${consumer}"`,
      () =>
        bus.consume(
          topic,
          consumer,
          (...delivered) => withPlugin(this.name, () => handler(...delivered)),
          options,
        ),
      (consumption) => consumption.stop(),
    );
    return { consumer, whenIdle: () => opened.whenIdle(), stop: () => held.release() };
  }

  /**
   * Serves routes under `/api/v1/<name>`, or another path below `/api/v1`, until the plugin stops; pending requests finish
   * first. Each route declares in `config.access` the capability that its caller needs. Needs the dependency `'gateway'`. The
   * returned function removes the routes earlier.
   *
   * @throws {CapabilityUndeclaredError} when a route names a capability that no plugin declares
   * @example await plugin.addRoutes((app) => { app.get('/', { config: { access: 'notes:read' } }, () => ({ notes: [] })); });
   */
  async addRoutes(
    declare: DeclareRoutes,
    { place = this.name, ...options }: AddRoutesOptions = {},
  ): Promise<() => Promise<void>> {
    const gateway = this.#container.resolve(this.name, 'gateway');
    const declared = checkingCapabilities(this.name, this.#container.findService('plugins'), declare);
    const { held } = await this[scope].openIntake(
      `routes of ${place}`,
      () => gateway.mount(place, declared, { ...options, plugin: this.name }),
      (unmount, deadline) => unmount(deadline),
    );
    return () => held.release();
  }

  /**
   * Puts a middleware around every route of the backend, inside those that were added before, until the plugin stops.
   * Needs the dependency `'gateway'`. The returned function removes it earlier.
   *
   * @example await plugin.addMiddleware(new CustomMiddleware(keyManager));
   */
  async addMiddleware(middleware: Middleware): Promise<() => Promise<void>> {
    const gateway = this.#container.resolve(this.name, 'gateway');
    const { held } = await this[scope].openIntake(
      `middleware ${middleware.constructor.name}`,
      async () => gateway.addMiddleware(middleware),
      (remove) => remove(),
    );
    return () => held.release();
  }

  /**
   * Extends another plugin at one of its extension points until this plugin stops. The point must be in the `fills` of the
   * definition. The returned function removes the extension earlier.
   *
   * @throws {ExtensionUndeclaredError} when the definition does not list the point
   * @example plugin.fill(filters, { judge: (mail) => (isSpam(mail) ? { refuse: 'spam' } : undefined) });
   */
  fill<T>(point: ExtensionPoint<T>, extension: NoInfer<T>): () => Promise<void> {
    const { catalog, definition } = this.#declaring('fills', point);
    const remove = catalog.extensions.add(
      point.name,
      { plugin: this.name, priority: definition.priority ?? DEFAULT_PRIORITY, logger: () => this.logger },
      extension,
    );
    const held = this[scope].own(`extension of ${point.name}`, remove);
    return () => held.release();
  }

  /**
   * The extensions that other plugins have added to an extension point of this plugin. The point must be in the `offers` of the
   * definition. When the plugin starts, all plugins that fill the point have started or have failed.
   *
   * @throws {ExtensionUndeclaredError} when the definition does not list the point
   * @example const verdicts = await plugin.extensions(filters).collect((filter) => filter.judge(mail));
   */
  extensions<T>(point: ExtensionPoint<T>): Extensions<T> {
    return this.#declaring('offers', point).catalog.extensions.at(point.name);
  }

  /** The catalog of plugins, and this plugin's definition in it, which lists the point. */
  #declaring(list: 'offers' | 'fills', { name }: ExtensionPoint) {
    const catalog = this.#container.findService('plugins');
    const definition = catalog?.find(this.name);
    if (catalog === undefined || definition?.[list]?.some((point) => point.name === name) !== true)
      throw new ExtensionUndeclaredError(this.name, list, name);
    return { catalog, definition };
  }

  /**
   * Runs `work` every `intervalMs` until the plugin stops, the first time after one interval or after `firstAfterMs`. Runs
   * never overlap: a run that takes longer than the interval skips the runs it misses. A failure is logged. The returned
   * function ends the timer earlier and resolves when no run is in progress.
   *
   * @throws {IntervalInvalidError} when an interval is not between 1 and 2147483647; `firstAfterMs` may be 0
   */
  every(
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
      withPlugin(this.name, () => keepBeating(name, intervalMs, work, signal, this, options)),
    );
    return () => held.release();
  }

  /**
   * Runs `work` in the background until it resolves or the plugin stops. A failure is logged, and the work is restarted after
   * an increasing delay. The returned function ends it earlier and resolves when it has ended.
   *
   * @example
   * ```ts
   * plugin.runInBackground('queue', async (signal) => {
   *   while (!signal.aborted) await processNext(signal);
   * });
   * ```
   */
  runInBackground(name: string, work: BackgroundWork): () => Promise<void> {
    const held = this[scope].run(`background task "${name}"`, (signal) =>
      withPlugin(this.name, () => keepRunning(name, work, signal, this)),
    );
    return () => held.release();
  }

  /**
   * Calls `release` when the plugin stops, after everything that was opened later has been released. The returned function
   * calls it earlier.
   *
   * @throws {PluginStoppedError} when the plugin has already stopped; `release` is called nevertheless
   */
  onStop(release: Release): () => Promise<void> {
    const held = this[scope].own('a resource of onStop()', release);
    return () => held.release();
  }

  #checkedPattern(topic: string | Topic): string {
    const pattern = typeof topic === 'string' ? topic : topic.name;
    checkTopic(this.name, this.#container.findService('plugins'), pattern);
    return pattern;
  }
}
