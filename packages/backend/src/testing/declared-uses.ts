import { COMMON_SERVICES } from '../core/plugin/plugin-context.ts';
import type { PluginDefinition } from '../core/plugin/plugin-definition.ts';

/** Services that the base of plugins looks up for every plugin. */
const OF_THE_BASE: readonly string[] = [...COMMON_SERVICES, 'plugins', 'clock'];

/** The methods that look up a service, and the place of its name among their arguments. */
const LOOK_UPS: Readonly<Record<string, number>> = {
  requireService: 0,
  getService: 0,
  findService: 0,
  findInstance: 0,
  resolve: 1,
};

/**
 * The definition of a plugin that reports each service that it looks up without having declared it: through `plugin`, or
 * through the container that `create` receives.
 */
export function reportingUndeclared(
  definition: PluginDefinition,
  report: (service: string) => void,
): PluginDefinition {
  const declared = new Set<string>([...OF_THE_BASE, ...(definition.dependencies ?? [])]);
  const observe = <T extends object>(target: T): T => {
    const observed = new Proxy(target, {
      get(_, name) {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]): unknown => {
          const at = LOOK_UPS[String(name)];
          const service = at === undefined ? undefined : args[at];
          if (typeof service === 'string' && !declared.has(service)) report(service);
          return Reflect.apply(member, target, args);
        };
      },
      set: (_, name, value) => Reflect.set(target, name, value),
    });
    return observed;
  };
  const { start, create } = definition;
  return {
    ...definition,
    ...(start === undefined ? {} : { start: (plugin) => start(observe(plugin)) }),
    ...(create === undefined
      ? {}
      : { create: (name, container, config) => create(name, observe(container), config) }),
  };
}
