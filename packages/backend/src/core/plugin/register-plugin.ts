import type { ServiceFactory } from '../container/container-types.ts';
import type { ServiceContainer } from '../container/service-container.ts';
import type { ServiceOptions } from '../container/service-options.ts';
import { lifecycleOf, scopeOf } from '../lifecycle.ts';
import type { ServiceName } from '../services.ts';
import { PluginCreateError } from './errors.ts';
import { PlacedPlugin } from './placed-plugin.ts';
import { PluginCatalog } from './plugin-catalog.ts';
import { COMMON_SERVICES } from './plugin-context.ts';
import type { PluginDefinition } from './plugin-definition.ts';
import { configOf, StartedPlugin } from './started-plugin.ts';

/** The arguments of `ServiceContainer.registerService`, and of `registration`. */
type PluginService = [name: string, factory: ServiceFactory<string>, options: ServiceOptions];

/**
 * Registers a plugin with a container, under its own name, and its definition with the service `'plugins'`.
 *
 * @throws {ServiceOptionError} when one of its options is out of range
 */
export function registerPlugin(container: ServiceContainer, definition: PluginDefinition): void {
  catalogOf(container).add(definition);
  container.registerService(...pluginService(container, definition));
}

/** A plugin as a service of a container. */
export function pluginService(container: ServiceContainer, definition: PluginDefinition): PluginService {
  const { name, migrations, required, priority, startTimeoutMs, stopTimeoutMs, retry } = definition;
  const isPlaced = definition.runs === 'one-node' && container.has('nodes');
  const common = COMMON_SERVICES.filter((service) => container.has(service));
  let isMigrated = false;
  return [
    name,
    async (require) => {
      // Once: a plugin that is started again in place of a newer version finds migrations that it does not know.
      if (migrations !== undefined && !isMigrated) await require('database').migrate(name, migrations);
      isMigrated = true;
      if (definition.create === undefined) {
        const leases = isPlaced ? require('nodes').leases : undefined;
        return leases === undefined
          ? new StartedPlugin(container, definition)
          : new PlacedPlugin(container, definition, leases);
      }
      const plugin = await definition.create(name, container, configOf(container, definition));
      if (!isPlugin(plugin)) throw new PluginCreateError(name, plugin);
      return plugin;
    },
    {
      dependencies: [
        ...new Set<ServiceName>([
          ...common,
          ...(definition.dependencies ?? []),
          ...(isPlaced ? (['nodes'] as const) : []),
        ]),
      ],
      offers: (definition.offers ?? []).map((point) => point.name),
      fills: definition.fills ?? [],
      ...(required === undefined ? {} : { required }),
      ...(priority === undefined ? {} : { priority }),
      ...(startTimeoutMs === undefined ? {} : { startTimeoutMs }),
      ...(stopTimeoutMs === undefined ? {} : { stopTimeoutMs }),
      ...(retry === undefined ? {} : { retry }),
    },
  ];
}

/** Whether the container can run it: a `create` without a return value would be a plugin that does nothing. */
function isPlugin(value: unknown): boolean {
  const { initialize, start, stop, healthCheck } = lifecycleOf(value);
  return (
    scopeOf(value) !== undefined || [initialize, start, stop, healthCheck].some((step) => step !== undefined)
  );
}

function catalogOf(container: ServiceContainer): PluginCatalog {
  const found = container.findService('plugins');
  if (found !== undefined) return found;
  const catalog = new PluginCatalog();
  container.registerInstance('plugins', catalog);
  return catalog;
}
