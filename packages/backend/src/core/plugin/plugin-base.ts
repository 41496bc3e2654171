import type { Logger } from '@aico/shared/core/logging';
import type { Clock } from '@aico/shared/core/tasks';
import type { ServiceContainer } from '../container/service-container.ts';
import type { HealthCheckResult } from '../health/types.ts';
import { type Lifecycle, scope } from '../lifecycle.ts';
import { PluginContext } from './plugin-context.ts';
import type { PluginScope } from './plugin-scope.ts';

/** The order of plugins that are ready at the same moment. Never overrides a dependency. */
export const PluginPriority = {
  INFRASTRUCTURE: 10,
  SECURITY: 20,
  MIDDLEWARE: 30,
  BUSINESS: 40,
  NORMAL: 100,
} as const;

export type PluginPriority = (typeof PluginPriority)[keyof typeof PluginPriority];

/**
 * The property `metadata` of a plugin that is registered by hand; `aico plugin list` shows it. A plugin with a definition
 * needs none. The start order depends on the priority of the registration, which is known before the plugin is
 * constructed.
 */
export interface PluginMetadata {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly priority?: PluginPriority | number;
}

const NEVER = new AbortController().signal;

/**
 * The class form of a plugin: for one that other plugins call as a service, and for the guide's patterns. Override
 * `initialize`, `start`, `stop` and `healthCheck` as needed. The other methods are those of `PluginContext`, which documents
 * them; the resources they open are released when the plugin stops.
 *
 * @example
 * ```ts
 * class Greeter extends BasePlugin {
 *   override async start() {
 *     await this.subscribe('person.arrived', (topic, person) => this.logger.info('Hello', { person }));
 *     this.every('greetings', 60_000, (signal) => this.#greetAll(signal));
 *   }
 * }
 * ```
 */
export abstract class BasePlugin implements Lifecycle, AsyncDisposable {
  /** The name under which it is registered. */
  readonly name: string;
  protected readonly container: ServiceContainer;
  readonly #context: PluginContext;
  protected readonly requireService: PluginContext['requireService'];
  protected readonly subscribe: PluginContext['subscribe'];
  protected readonly consume: PluginContext['consume'];
  protected readonly addRoutes: PluginContext['addRoutes'];
  protected readonly addMiddleware: PluginContext['addMiddleware'];
  protected readonly fill: PluginContext['fill'];
  protected readonly extensions: PluginContext['extensions'];
  protected readonly every: PluginContext['every'];
  protected readonly runInBackground: PluginContext['runInBackground'];
  protected readonly onStop: PluginContext['onStop'];

  constructor(name: string, container: ServiceContainer) {
    this.name = name;
    this.container = container;
    const context = new PluginContext(name, container);
    this.#context = context;
    this.requireService = context.requireService.bind(context);
    this.subscribe = context.subscribe.bind(context);
    this.consume = context.consume.bind(context);
    this.addRoutes = context.addRoutes.bind(context);
    this.addMiddleware = context.addMiddleware.bind(context);
    this.fill = context.fill.bind(context);
    this.extensions = context.extensions.bind(context);
    this.every = context.every.bind(context);
    this.runInBackground = context.runInBackground.bind(context);
    this.onStop = context.onStop.bind(context);
  }

  /** Prepares the plugin. All dependencies are running. */
  async initialize(_signal: AbortSignal): Promise<void> {}

  /** Starts the plugin, and resolves once it is running. Longer work belongs in `runInBackground` or `every`. */
  async start(_signal: AbortSignal): Promise<void> {}

  /** Releases resources that were not opened through this class. Called once, also after a failed start. */
  async stop(_signal: AbortSignal): Promise<void> {}

  /** Reports the health of the plugin; called while it runs. A check that throws or takes too long is unhealthy. */
  healthCheck?(signal: AbortSignal): HealthCheckResult | Promise<HealthCheckResult>;

  /** Aborted when the plugin stops, or when its start is cancelled. Pass it to long operations. */
  get signal(): AbortSignal {
    return this.#context.signal;
  }

  /** The plugin's own logger. It may be replaced. */
  protected get logger(): Logger {
    return this.#context.logger;
  }

  protected set logger(logger: Logger) {
    this.#context.logger = logger;
  }

  /** Tells the time and waits: see `PluginContext.clock`. */
  protected get clock(): Clock {
    return this.#context.clock;
  }

  /** The resources that the plugin has opened, for the container. */
  get [scope](): PluginScope {
    return this.#context[scope];
  }

  /** Releases everything the plugin opened, without calling `stop()`: for a plugin outside a container. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this[scope].drain(NEVER);
    await this[scope].release(NEVER);
  }
}
