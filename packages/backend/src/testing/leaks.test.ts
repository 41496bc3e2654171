import assert from 'node:assert/strict';
import { watch } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { MessageBusClient } from '@aico/shared/core/bus';
import type { CallNext } from '../plugin.ts';
import {
  definePlugin,
  type FastifyRequest,
  type GatewayResponse,
  Middleware,
  type Plugin,
} from '../plugin.ts';
import { PluginLeakError } from './errors.ts';
import { assertNoLeaks } from './leaks.ts';

type Services = 'gateway' | 'database' | 'message_bus' | 'health' | 'streams';
type Start = (plugin: Plugin<Services>) => unknown;

const HERE = /made at packages\/backend\/src\/testing\/leaks\.test\.ts:\d+/.source;

class Passing extends Middleware {
  override dispatch(request: FastifyRequest, callNext: CallNext): Promise<GatewayResponse> {
    return callNext(request);
  }
}

const leaky = (start: Start) =>
  definePlugin({
    name: 'leaky',
    version: '1.0.0',
    description: 'Leaves something open',
    dependencies: ['gateway', 'database', 'message_bus', 'health', 'streams'],
    stopTimeoutMs: 200,
    async start(plugin) {
      await start(plugin);
    },
  });

/** Close the leaks of a test, so that the process can end. */
const leftovers: (() => unknown)[] = [];

const LEAKS: Readonly<Record<string, readonly [left: RegExp, start: Start]>> = {
  timer: [
    RegExp(`timer, ${HERE}`),
    () => {
      const timer = setInterval(() => undefined, 60_000);
      leftovers.push(() => clearInterval(timer));
    },
  ],
  server: [
    RegExp(`server, ${HERE}`),
    async () => {
      const server = createServer();
      leftovers.push(() => server.close());
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    },
  ],
  'file watcher': [
    RegExp(`file watcher, ${HERE}`),
    () => {
      const watcher = watch(tmpdir());
      leftovers.push(() => watcher.close());
    },
  ],
  thread: [
    RegExp(`worker thread, ${HERE}`),
    () => {
      const worker = new Worker('setInterval(() => {}, 60_000)', { eval: true });
      leftovers.push(() => worker.terminate());
    },
  ],
  'listener of the process': [
    RegExp(`listener of the process for "beforeExit", ${HERE}`),
    () => {
      const listener = (): void => undefined;
      process.on('beforeExit', listener);
      leftovers.push(() => process.off('beforeExit', listener));
    },
  ],
  routes: [
    /routes below \/api\/v1\/ leaked/,
    (plugin) => plugin.requireService('gateway').mount('leaked', () => undefined),
  ],
  middleware: [
    /middleware Passing/,
    (plugin) => void plugin.requireService('gateway').addMiddleware(new Passing()),
  ],
  subscription: [
    RegExp(`subscription "leaky\\.things", ${HERE}`),
    async () => {
      const client = new MessageBusClient({ source: 'leaky' });
      await client.connect();
      await client.subscribe('leaky.things', () => undefined);
    },
  ],
  'durable consumer': [
    /durable consumer leaky-consumer/,
    (plugin) =>
      plugin.requireService('streams').consume('leaky.things', 'leaky-consumer', async () => {}, {}),
  ],
  'health check': [
    /health check leaky-depth/,
    (plugin) => void plugin.requireService('health').register('leaky-depth', () => ({ status: 'healthy' })),
  ],
  transaction: [
    /transaction opened at .*leaks\.test\.ts/,
    async (plugin) => {
      const open = await plugin.requireService('database').begin({ readOnly: true });
      leftovers.push(() => open.rollback());
    },
  ],
  task: [
    /background task "deaf"/,
    (plugin) => void plugin.runInBackground('deaf', () => new Promise(() => undefined)),
  ],
};

describe('assertNoLeaks()', () => {
  test('a plugin that leaks a resource of each kind is reported, with every resource', async (t) => {
    t.after(async () => {
      for (const close of leftovers.splice(0)) await close();
    });
    const each = leaky(async (plugin) => {
      for (const [, start] of Object.values(LEAKS)) await start(plugin);
    });
    await assert.rejects(assertNoLeaks(each), (error) => {
      assert.ok(error instanceof PluginLeakError, String(error));
      for (const [kind, [left]] of Object.entries(LEAKS))
        assert.equal(error.leaks.filter((leak) => left.test(leak)).length, 1, `${kind}: ${error.message}`);
      assert.equal(error.leaks.length, Object.keys(LEAKS).length, error.message);
      return true;
    });
  });

  test('a plugin that releases everything passes', async () => {
    let timers = 0;
    const tidy = leaky(async (plugin) => {
      const timer = setInterval(() => undefined, 60_000);
      plugin.onStop(() => clearInterval(timer));
      await plugin.addRoutes((app) => {
        app.get('/', { config: { access: 'public' } }, () => ({ timers }));
      });
      await plugin.subscribe('leaky.things', () => undefined);
      await plugin.consume('leaky.things', 'leaky-consumer', () => undefined);
      await plugin.addMiddleware(new Passing());
      plugin.every('count', 5, () => {
        timers += 1;
      });
      plugin.runInBackground('wait', (signal) => plugin.clock.pause(60_000, signal));
      plugin.onHealthCheck(() => ({ status: 'healthy' }));
      const read = await plugin.requireService('database').begin({ readOnly: true });
      await read.commit();
    });
    await assertNoLeaks(tidy, {
      use: async (backend) => {
        assert.equal((await backend.request('/api/v1/leaky')).status, 200);
        await backend.container.getService('message_bus').publish('leaky.things', {}, { durable: true });
      },
    });
  });
});
