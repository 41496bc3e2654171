import { matchesTopic, parsePattern } from '@aico/protocol';
import type { DeclareRoutes } from '../gateway.ts';
import { CapabilityUndeclaredError, RouteEndlessError, TopicUndeclaredError } from './errors.ts';

/** The declarations in the definitions of all plugins. */
interface Declarations {
  readonly capabilities: readonly string[];
  find(plugin: string): { readonly topics?: readonly { readonly name: string }[] } | undefined;
  declaresCapability(access: string): boolean;
}

/**
 * Wraps `declare` to refuse a capability that no plugin declares, and server-sent events that are not marked as endless. Only
 * plugins with a definition are checked, since a class that was registered by hand cannot declare capabilities.
 */
export function checkingCapabilities(
  plugin: string,
  catalog: Declarations | undefined,
  declare: DeclareRoutes,
): DeclareRoutes {
  if (catalog?.find(plugin) === undefined) return declare;
  return (app) => {
    // Fastify calls it where the route is declared, so that the error's stack leads to that line.
    app.addHook('onRoute', ({ method, url, config, schema }) => {
      const route = `${String(method)} ${url}`;
      const access: unknown = config?.access;
      if (typeof access === 'string' && access !== 'public' && !catalog.declaresCapability(access))
        throw new CapabilityUndeclaredError(plugin, route, access, catalog.capabilities);
      if (config?.endless !== true && repliesWithEvents(schema?.response))
        throw new RouteEndlessError(plugin, route);
    });
    return declare(app);
  };
}

/**
 * Refuses a topic or pattern that belongs to a plugin with declared topics and matches none of them.
 *
 * @throws {TopicInvalidError} when `pattern` is not a pattern
 * @throws {TopicUndeclaredError} when it would never receive a message
 */
export function checkTopic(plugin: string, catalog: Declarations | undefined, pattern: string): void {
  const [first = ''] = parsePattern(pattern);
  const topics = catalog?.find(first)?.topics?.map(({ name }) => name);
  if (topics === undefined || topics.some((topic) => matchesTopic(pattern, topic))) return;
  throw new TopicUndeclaredError(plugin, pattern, first, topics);
}

/** Whether a route's response schema declares server-sent events. */
function repliesWithEvents(response: unknown): boolean {
  return Object.values(Object(response)).some(
    (reply) =>
      typeof reply === 'object' &&
      reply !== null &&
      'content' in reply &&
      Object.hasOwn(Object(reply.content), 'text/event-stream'),
  );
}
