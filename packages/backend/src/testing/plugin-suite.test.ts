import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  BasePlugin,
  definePlugin,
  defineTopic,
  type Plugin,
  type PluginDefinition,
  Type,
} from '../plugin.ts';
import { type PluginSuiteOptions, pluginChecks, pluginSuite } from './plugin-suite.ts';

const [LIFE = '', USE = ''] = pluginChecks('any').map(({ name }) => name);

type Services = 'gateway' | 'database' | 'message_bus';

const pluginOf = (
  start: (plugin: Plugin<Services>) => unknown,
  more: Partial<PluginDefinition> = {},
): PluginDefinition => ({
  ...definePlugin({
    name: 'subject',
    version: '1.0.0',
    description: 'Is tested',
    dependencies: ['gateway', 'database', 'message_bus'],
    migrations: [{ id: '001_rows', sql: 'CREATE TABLE subject (n INTEGER PRIMARY KEY)' }],
    async start(plugin) {
      await start(plugin);
    },
  }),
  ...more,
});

async function refuses(
  check: string,
  plugin: PluginDefinition,
  expected: RegExp,
  options: PluginSuiteOptions = {},
): Promise<void> {
  const found = pluginChecks(plugin, options).find(({ name }) => name === check);
  assert.ok(found);
  await assert.rejects(found.run(), (error: Error) => {
    assert.match(error.message, expected);
    return true;
  });
}

const insert = (plugin: Plugin<Services>) =>
  plugin.requireService('database').execute('INSERT INTO subject DEFAULT VALUES');

describe('pluginSuite()', () => {
  test('catches a plugin that does not start a second time', async () => {
    let starts = 0;
    const once = pluginOf(() => {
      starts += 1;
      if (starts > 1) throw new Error('it has started before');
    });
    await refuses(LIFE, once, /it has started before/);
  });

  test('catches an undeclared service that a timer looks up, even if the plugin handles the error', async () => {
    const curious = pluginOf((plugin) => {
      plugin.every('late', 3_600_000, () => {
        try {
          Reflect.apply(plugin.requireService, plugin, ['key_manager']);
        } catch {
          // The plugin can do without it.
        }
      });
    });
    await refuses(USE, curious, /does not declare: the service 'key_manager'/);
  });

  test('catches a service that a class takes from the container', async () => {
    class Bypassing extends BasePlugin {
      override async start(): Promise<void> {
        this.container.getService('database');
      }
    }
    const plugin = definePlugin({
      name: 'subject',
      version: '1.0.0',
      description: 'Takes what it has not declared',
      create: (name, container) => new Bypassing(name, container),
    });
    await refuses(USE, plugin, /does not declare: the service 'database'/);
  });

  test('catches a topic that is published without being declared', async () => {
    const plugin = pluginOf(() => undefined, {
      topics: [defineTopic('subject.known', Type.Object({}))],
    });
    await refuses(USE, plugin, /does not declare: the topic 'subject.unknown'$/, {
      use: async ({ container }) => {
        const bus = container.resolve('subject', 'message_bus');
        await bus.publish('subject.known', {});
        await bus.publish('subject.unknown', {});
      },
    });
  });

  test('catches a plugin that does not recover from a refused write', async () => {
    const sulking = pluginOf(async (plugin) => {
      let failed: unknown;
      plugin.onHealthCheck(() =>
        failed ? { status: 'unhealthy', detail: 'it sulks' } : { status: 'healthy' },
      );
      plugin.every('write', 60_000, async () => {
        await insert(plugin).catch((error: unknown) => {
          failed = error;
        });
      });
    });
    await refuses(USE, sulking, /the plugin subject is healthy: it sulks/);
  });

  test('catches a route that still fails after a fault has ended', async () => {
    const wedged = pluginOf(async (plugin) => {
      let last: Promise<unknown> = Promise.resolve();
      await plugin.addRoutes((app) => {
        app.post('/', { config: { access: 'public' } }, async () => {
          // Each write waits for the one before, and fails with it.
          last = last.then(() => insert(plugin));
          await last;
          return {};
        });
      });
    });
    await refuses(USE, wedged, /500|503|507/, {
      use: async (backend) => {
        const reply = await backend.request('/api/v1/subject', { method: 'POST', body: {} });
        if (reply.status !== 200) throw new Error(`answered ${reply.status}`);
      },
    });
  });
});

pluginSuite(
  pluginOf(
    async (plugin) => {
      const { promise: begun, resolve } = Promise.withResolvers<void>();
      const bus = plugin.requireService('message_bus');
      await plugin.consume('subject.row', 'subject-rows', async () => {
        await insert(plugin);
      });
      plugin.every('publish', 3_600_000, async () => {
        await bus.publish('subject.row', {}, { durable: true });
        resolve();
      });
      await plugin.addRoutes((app) => {
        app.get('/', { config: { access: 'public' } }, async () => {
          await begun;
          return (await plugin.requireService('database').execute('SELECT count(*) AS n FROM subject')).rows;
        });
      });
    },
    { topics: [defineTopic('subject.row', Type.Object({}))] },
  ),
);
