import { isOwnable } from '@aico/shared/data';
import type { ServiceContainer } from '../core/container/service-container.ts';
import { HealthChecks } from '../core/health/registry.ts';
import type { PluginDefinition } from '../core/plugin/plugin-definition.ts';
import { loadPlugin } from '../core/plugin/plugin-loader.ts';
import { HttpGateway } from '../gateway/index.ts';
import { PluginLeakError } from './errors.ts';
import { createObserved, type ObservedBackend } from './observed-backend.ts';
import { OpenResources } from './open-resources.ts';
import type { TestBackend, TestBackendOptions } from './test-backend.ts';

/** How a plugin is used before it is stopped. */
export interface LeakCheckOptions extends TestBackendOptions {
  /** Uses the plugin: sends requests, publishes messages. */
  readonly use?: ((backend: TestBackend) => unknown) | undefined;
}

/**
 * Starts a backend, starts the plugin in it, stops the plugin, throws if the stop left anything, and starts the plugin again.
 * Looks for timers, sockets, files, threads, listeners of the process, routes, middleware, subscriptions, durable consumers, health
 * checks, open transactions and tasks that did not end. Memory is not measured, and a timer that fires within half a second of the stop is not seen.
 *
 * @throws {PluginLeakError} naming everything that is left, and the line that made it where that is known
 * @example
 * ```ts
 * test('leaks nothing', () =>
 *   assertNoLeaks('./src/index.ts', {
 *     use: (backend) => backend.request('/api/v1/notes', { method: 'POST', body: { text: 'hello' } }),
 *   }));
 * ```
 */
export async function assertNoLeaks(
  plugin: string | PluginDefinition,
  { use, ...options }: LeakCheckOptions = {},
): Promise<void> {
  using resources = new OpenResources();
  const { definition } = await loadPlugin(plugin, options.baseDir ?? process.cwd());
  const { name } = definition;
  const hold = (container: ServiceContainer): Promise<void> => container.hold([name], 'a test stops it');
  const observed = await createObserved({
    ...options,
    plugins: [...(options.plugins ?? []), definition],
    register: (container) => {
      options.register?.(container);
      void hold(container);
    },
  });
  const { backend, events } = observed;
  await using _ = backend;
  const before = await openIn(observed);
  await backend.container.release();
  await use?.(backend);
  await backend.whenIdle();
  await hold(backend.container);
  const leaks = [...(await openIn(observed))].flatMap(([entry, description]) =>
    before.has(entry) ? [] : [description],
  );
  for (const event of events)
    if (event.kind === 'stop-trouble' && event.service === name) leaks.push(event.error.message);
  for (const { kind, maker } of await resources.left()) leaks.push(`${kind}, made at ${maker}`);
  if (leaks.length > 0) throw new PluginLeakError(name, leaks);
  await backend.container.release();
}

/** The open things of a backend: a key that is equal for the same thing, and a description. */
async function openIn({
  backend: { container },
  bus,
}: ObservedBackend): Promise<ReadonlyMap<unknown, string>> {
  const open = new Map<unknown, string>();
  const add = (kind: string, names: readonly string[]): void => {
    for (const name of names) open.set(`${kind} ${name}`, `${kind} ${name}`);
  };
  for (const subscription of bus.open) {
    const { pattern, maker } = subscription;
    open.set(subscription, `subscription "${pattern}"${maker === undefined ? '' : `, made at ${maker}`}`);
  }
  const [gateway, health] = (['gateway', 'health'] as const).map((name) => container.findInstance(name));
  if (gateway instanceof HttpGateway) {
    add('routes below /api/v1/', gateway.mounted);
    add('middleware', gateway.middlewares);
  }
  if (health instanceof HealthChecks) add('health check', health.names);
  const database = container.findService('database');
  if (database !== undefined && isOwnable(database)) add('transaction opened at', database.transactions);
  add('durable consumer', container.getService('streams').running);
  return open;
}
