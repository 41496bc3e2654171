import type { Topic } from '@aico/shared/core/bus';
import type { Migration, TableGrants } from '@aico/shared/data';
import type { Static, TObject } from 'typebox';
import type { Access } from '../access.ts';
import type { ServiceContainer } from '../container/service-container.ts';
import type { ServiceOptions } from '../container/service-options.ts';
import type { HealthCheckResult } from '../health/types.ts';
import type { ServiceName, Services } from '../services.ts';
import type { ExtensionPoint } from './extension-point.ts';
import type { BasePlugin } from './plugin-base.ts';
import type { PluginContext } from './plugin-context.ts';

/** The result of `create`: a plugin, which is also the service if `Services` declares one of that name. */
type PluginInstance<N extends string> = N extends ServiceName ? Services[N] & BasePlugin : BasePlugin;

/** The argument of `start(plugin)`. */
export interface Plugin<Dependency extends ServiceName = ServiceName, Config = unknown>
  extends PluginContext<Dependency> {
  /** The plugin's section of the configuration, checked and typed by its schema. Each read returns the current values. */
  readonly config: Config;
  /** Adds a health check, which is called while the plugin runs. A check that throws or takes too long is unhealthy. */
  onHealthCheck(check: (signal: AbortSignal) => HealthCheckResult | Promise<HealthCheckResult>): void;
}

/** The declaration of a plugin, which is available before it runs. */
interface PluginDeclaration<
  N extends string = string,
  Dependency extends ServiceName = ServiceName,
  Schema extends TObject = TObject,
> {
  /** The name of the service, its routes, its section `plugins.<name>` of the configuration, and the owner of its tables. */
  readonly name: N;
  /** Default: the version in its package.json. */
  readonly version?: string;
  /** Default: the description in its package.json. */
  readonly description?: string;
  /**
   * Services that run before the plugin starts and until it has stopped. Configuration, logging and health are dependencies of
   * every plugin and need not be listed.
   */
  readonly dependencies?: readonly Dependency[];
  /** The schema of its section of the configuration. */
  readonly config?: Schema;
  /** Its tables. Run before the plugin is created, each once and in this order; needs the dependency `'database'`. */
  readonly migrations?: readonly Migration[];
  /** The topics that it publishes, each below its name. Another plugin cannot subscribe to others below that name. */
  readonly topics?: readonly Topic[];
  /** The capabilities that the plugin's routes require of their callers, each with a sentence that describes it. */
  readonly capabilities?: Readonly<Partial<Record<Exclude<Access, 'public'>, string>>>;
  /**
   * Extension points that other plugins may fill. Each name begins with the plugin's name and a dot. The plugin starts after
   * the plugins that fill them and stops before them.
   */
  readonly offers?: readonly ExtensionPoint[];
  /** Extension points of other plugins that it fills with `fill`. Each must be offered, unless it is `point.optional`. */
  readonly fills?: readonly ExtensionPoint[];
  /** Other plugins' tables that it may read or write. All others except its own are refused. */
  readonly tables?: TableGrants;
  /** Whether the start of the backend fails without it. Default `true`. */
  readonly required?: boolean;
  /** Lower first, among plugins that are ready at the same moment. Default `PluginPriority.NORMAL`. */
  readonly priority?: number;
  /** Deadlines and retries, if the defaults do not fit. */
  readonly startTimeoutMs?: number;
  readonly stopTimeoutMs?: number;
  readonly retry?: ServiceOptions['retry'];
}

/** The nodes of a home on which a plugin runs. */
export type Placement = 'every-node' | 'one-node';

/** A plugin whose behaviour is one function. */
interface StartForm<Dependency extends ServiceName, Config> {
  /** Starts the plugin, and resolves once it is running. */
  start(plugin: Plugin<Dependency, Config>): void | Promise<void>;
  /**
   * Where it runs if several nodes share the home. `'one-node'`: on one of them at a time, and on another one within 16 seconds after
   * that has ended. Its routes exist on that node only, and its transactions commit only while it may run. A class cannot be
   * restricted, since the services of each node call their own instance. Default `'every-node'`.
   */
  readonly runs?: Placement;
  readonly create?: never;
}

/** A plugin whose behaviour is a class, which others can call as a service. */
interface ClassForm<N extends string, Config> {
  /** Creates the plugin. Called when its dependencies are running. */
  create(
    name: N,
    container: ServiceContainer,
    config: Config,
  ): PluginInstance<N> | Promise<PluginInstance<N>>;
  readonly start?: never;
  readonly runs?: 'every-node';
}

/** A plugin as returned by `definePlugin` and exported by a module. */
export type PluginDefinition = PluginDeclaration & {
  start?(plugin: Plugin): void | Promise<void>;
  create?(name: string, container: ServiceContainer, config: unknown): unknown;
  readonly runs?: Placement;
};

/**
 * Declares a plugin. A module exports it as `plugin`.
 *
 * @example
 * ```ts
 * export const plugin = definePlugin({
 *   name: 'greeter',
 *   version: '1.0.0',
 *   description: 'Says hello',
 *   dependencies: ['gateway'],
 *   async start(plugin) {
 *     await plugin.addRoutes((app) => {
 *       app.get('/', { config: { access: 'public' } }, () => ({ hello: 'world' }));
 *     });
 *   },
 * });
 * ```
 */
export function definePlugin<
  const N extends string,
  const Dependency extends ServiceName = never,
  Schema extends TObject = TObject,
>(
  definition: PluginDeclaration<N, Dependency, Schema> &
    (StartForm<Dependency, Static<Schema>> | ClassForm<N, Static<Schema>>),
): PluginDefinition {
  return definition;
}
