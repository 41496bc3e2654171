import type { TableGrants } from '@aico/shared/data';
import type { TSchema } from 'typebox';
import type { ServiceOptions } from '../container/service-options.ts';
import type { BasePlugin } from '../plugin-base.ts';
import type { ServiceContainer } from '../service-container.ts';
import type { ServiceName, Services } from '../services.ts';

/** What `create` returns: a plugin, which is also the service where `Services` declares one of that name. */
export type PluginInstance<N extends string> = N extends ServiceName ? Services[N] & BasePlugin : BasePlugin;

/** A plugin as its module offers it: what must be known before it is constructed. */
export interface PluginDefinition<N extends string = string> {
  /** The name it is registered under, of its routes and of its section `plugins.<name>` of the configuration. */
  readonly name: N;
  /** Services that run before it starts and until after it has stopped. */
  readonly dependencies: readonly ServiceName[];
  /** Whether the backend does not start without it. Default `true`. */
  readonly required?: boolean;
  /** Lower first, among those ready at the same moment. Default `PluginPriority.NORMAL`. */
  readonly priority?: number;
  /** The schema of its section of the configuration. */
  readonly config?: TSchema;
  /**
   * Other plugins whose tables it may read, or write, in the database. Its own are those its migrations make; of all
   * others it is refused.
   */
  readonly tables?: TableGrants;
  /** Deadlines and retries, where the defaults do not fit. */
  readonly startTimeoutMs?: number;
  readonly stopTimeoutMs?: number;
  readonly retry?: ServiceOptions['retry'];
  create(name: N, container: ServiceContainer): PluginInstance<N> | Promise<PluginInstance<N>>;
}

/**
 * Checks a plugin's definition at compile time, and returns it as it is.
 *
 * @example
 * ```ts
 * export const plugin = definePlugin({
 *   name: 'greeter',
 *   dependencies: ['message_bus'],
 *   create: (name, container) => new Greeter(name, container),
 * });
 * ```
 */
export function definePlugin<const N extends string>(definition: PluginDefinition<N>): PluginDefinition<N> {
  return definition;
}

/**
 * Registers a plugin with a container, under its own name.
 *
 * @throws {ServiceOptionError} when an option of it is not what it may be
 */
export function registerPlugin(container: ServiceContainer, definition: PluginDefinition): void {
  const { name, dependencies, required, priority, startTimeoutMs, stopTimeoutMs, retry } = definition;
  container.registerService(name, () => definition.create(name, container), {
    dependencies,
    ...(required === undefined ? {} : { required }),
    ...(priority === undefined ? {} : { priority }),
    ...(startTimeoutMs === undefined ? {} : { startTimeoutMs }),
    ...(stopTimeoutMs === undefined ? {} : { stopTimeoutMs }),
    ...(retry === undefined ? {} : { retry }),
  });
}
