import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { PluginDefinition } from '../core/plugin/plugin-definition.ts';
import { loadPlugin } from '../core/plugin/plugin-loader.ts';
import { reportingUndeclared } from './declared-uses.ts';
import { PluginUndeclaredError } from './errors.ts';
import { assertNoLeaks, type LeakCheckOptions } from './leaks.ts';
import { createObserved, type ObservedBackend } from './observed-backend.ts';
import { TestClock } from './test-clock.ts';

/** How the suite uses a plugin, beside its timers and those of its routes that only read. */
export type PluginSuiteOptions = Omit<LeakCheckOptions, 'clock'>;

/** One promise that every plugin keeps. */
export interface PluginCheck {
  readonly name: string;
  /** Rejects where the plugin breaks the promise. */
  readonly run: () => Promise<void>;
}

/** A wait after which each durable message whose handler failed has been delivered again. */
const REDELIVERY_MS = 600_000;

/**
 * Registers tests that every plugin should pass, with `node:test`: it starts, is healthy, stops without leaving anything and starts
 * again; it declares the services and topics that it uses; it survives a database, a disk and a bus that refuse. They run the
 * plugin's timers, request those of its routes that only read and need no parameter, and call `use`.
 *
 * @example
 * ```ts
 * import { pluginSuite } from '@aico/backend/testing';
 *
 * pluginSuite('./src/index.ts', {
 *   use: (backend) => backend.request('/api/v1/notes', { method: 'POST', body: { text: 'hello' } }),
 * });
 * ```
 */
export function pluginSuite(plugin: string | PluginDefinition, options: PluginSuiteOptions = {}): void {
  describe(`the plugin ${typeof plugin === 'string' ? plugin : plugin.name}`, () => {
    for (const { name, run } of pluginChecks(plugin, options)) test(name, run);
  });
}

/**
 * The tests of {@link pluginSuite}, for another test runner.
 *
 * @example for (const { name, run } of pluginChecks('./src/index.ts')) it(name, run);
 */
export function pluginChecks(
  plugin: string | PluginDefinition,
  { use, ...options }: PluginSuiteOptions = {},
): readonly PluginCheck[] {
  return [
    {
      name: 'starts, stops without leaving anything, and starts again',
      async run() {
        const clock = new TestClock();
        await assertNoLeaks(plugin, {
          ...options,
          clock,
          use: async (backend) => {
            await clock.fireEach();
            await use?.(backend);
          },
        });
      },
    },
    {
      name: 'declares what it uses, and survives a database, a disk and a bus that refuse',
      run: () => checkUse(plugin, { use, ...options }),
    },
  ];
}

async function checkUse(
  plugin: string | PluginDefinition,
  { use, ...options }: PluginSuiteOptions,
): Promise<void> {
  const { definition } = await loadPlugin(plugin, options.baseDir ?? process.cwd());
  const undeclared = new Set<string>();
  const observed = reportingUndeclared(definition, (service) => undeclared.add(`the service '${service}'`));
  const clock = new TestClock();
  const plugins = [...(options.plugins ?? []), observed];
  const refuseUndeclared = (): void => {
    if (undeclared.size > 0) throw new PluginUndeclaredError(definition.name, [...undeclared]);
  };
  const running = await createObserved({ ...options, clock, plugins }).catch((error: unknown) => {
    // A service that was not declared may not run yet.
    refuseUndeclared();
    throw error;
  });
  const { backend, bus } = running;
  await using _ = backend;
  const work = async (): Promise<void> => {
    await clock.fireEach();
    await readRoutes(running, definition.name);
    await use?.(backend);
    await backend.whenIdle();
  };
  await work();
  await assertHealthy(running, definition.name);
  for (const topic of bus.topicsOf(definition.name))
    if (topic.startsWith(`${definition.name}.`) && !definition.topics?.some(({ name }) => name === topic))
      undeclared.add(`the topic '${topic}'`);
  refuseUndeclared();

  const { faults } = backend;
  const refusals: readonly (() => void)[] = [
    () => faults.database.failNextWrite(3, definition.name),
    () => faults.bus.refuse(`${definition.name}.>`),
    () => faults.disk.fill(),
  ];
  for (const refuse of refusals) {
    refuse();
    // A request of the test may fail meanwhile; the plugin may not.
    await work().catch(() => undefined);
    faults.end();
    await untilWritable(running);
    await clock.advance(REDELIVERY_MS);
    await work();
    await assertHealthy(running, definition.name);
  }
}

/** Requests each route of the plugin that only reads and has no parameter. */
async function readRoutes({ backend }: ObservedBackend, plugin: string): Promise<void> {
  const { paths } = await backend.container.getService('gateway').openApi(backend.version);
  for (const [path, methods] of Object.entries(paths))
    if (
      path.startsWith(`/api/v1/${plugin}`) &&
      'get' in methods &&
      !isEndless(methods.get) &&
      !path.includes('{')
    )
      await backend.request(path);
}

/** Whether a route replies with events until its reader leaves. */
function isEndless(route: unknown): boolean {
  return JSON.stringify(route).includes('text/event-stream');
}

async function assertHealthy({ backend: { container } }: ObservedBackend, plugin: string): Promise<void> {
  const service = container.report().services.find(({ name }) => name === plugin);
  assert.equal(service?.state, 'running', `the plugin ${plugin} runs: ${service?.error?.message ?? ''}`);
  const check = (await container.getService('health').report()).checks[plugin];
  assert.notEqual(check?.status, 'unhealthy', `the plugin ${plugin} is healthy: ${check?.detail ?? ''}`);
}

/** Resolves when the database takes writes after a fault. */
async function untilWritable({ backend }: ObservedBackend): Promise<void> {
  const database = backend.container.getService('database');
  while (database.state.kind === 'read-only') await new Promise((resolve) => setImmediate(resolve));
}
