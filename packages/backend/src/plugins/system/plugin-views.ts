import type { ServiceContainer } from '../../core/container/service-container.ts';
import { scopeOf } from '../../core/lifecycle.ts';
import { PlacedPlugin } from '../../core/plugin/placed-plugin.ts';
import type { PluginMetadata } from '../../core/plugin/plugin-base.ts';
import { BasePlugin, PluginPriority } from '../../core/plugin/plugin-base.ts';
import type { PluginDefinition } from '../../core/plugin/plugin-definition.ts';
import { PluginScope } from '../../core/plugin/plugin-scope.ts';
import type { PluginView } from './system-view.ts';

const NOTHING_DECLARED = {
  dependencies: [],
  topics: [],
  capabilities: {},
  offers: [],
  fills: [],
  dependents: [],
  opens: [],
  loads: 0,
  problem: undefined,
  runs: 'every-node',
  isActive: false,
} as const;

/** A plugin that was loaded from a module. */
export function viewOf(
  definition: PluginDefinition,
  module: string,
  container: ServiceContainer,
): PluginView {
  const { name, version = '', description = '' } = definition;
  const {
    dependencies = [],
    topics = [],
    capabilities = {},
    offers = [],
    fills = [],
    runs = 'every-node',
  } = definition;
  return {
    ...NOTHING_DECLARED,
    ...stateOf(name, container),
    name,
    version,
    description,
    module,
    dependencies,
    topics: topics.map((topic) => topic.name),
    capabilities,
    offers: offers.map((point) => point.name),
    fills: fills.map((point) => point.name),
    runs,
    ...activityOf(container.findInstance(name)),
  };
}

/** Plugins that were registered by hand, as their `metadata` describes them. */
export function viewsOfRegistered(container: ServiceContainer): readonly PluginView[] {
  const catalog = container.findService('plugins');
  return container.names.flatMap((name) => {
    const instance = container.findInstance(name);
    if (!(instance instanceof BasePlugin) || catalog?.find(name) !== undefined) return [];
    const { version = '', description = '' } = metadataOf(instance);
    return [
      {
        ...NOTHING_DECLARED,
        ...stateOf(name, container),
        name,
        version,
        description,
        module: '',
        ...activityOf(instance),
      },
    ];
  });
}

/** A plugin whose code is not loaded. */
export function viewOfAbsent(name: string, module: string, state: 'not loaded' | 'disabled'): PluginView {
  return {
    ...NOTHING_DECLARED,
    name,
    version: '',
    description: '',
    priority: PluginPriority.NORMAL,
    state,
    required: false,
    module,
  };
}

/** Whether a plugin runs on this node, and the resources that it has opened. */
function activityOf(instance: unknown): Pick<PluginView, 'isActive' | 'opens'> {
  if (instance instanceof PlacedPlugin) return { isActive: instance.isActive, opens: instance.opened };
  const scope = scopeOf(instance);
  return { isActive: instance !== undefined, opens: scope instanceof PluginScope ? scope.opened : [] };
}

function stateOf(
  name: string,
  container: ServiceContainer,
): Pick<PluginView, 'priority' | 'state' | 'required'> {
  const report = container.report().services.find((service) => service.name === name);
  const { priority = PluginPriority.NORMAL, state = 'unknown', required = true } = report ?? {};
  return { priority, state, required };
}

function metadataOf(plugin: BasePlugin): Partial<PluginMetadata> {
  return 'metadata' in plugin && typeof plugin.metadata === 'object' ? { ...plugin.metadata } : {};
}
