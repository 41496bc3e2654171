import assert from 'node:assert/strict';
import { describe, mock, test } from 'node:test';
import { MessageBusClient } from '@aico/shared/core/bus';
import { Logging } from '@aico/shared/core/logging';
import type { FixtureName } from '../../../test/fixtures/journal.ts';
import { DependencyUndeclaredError, ServiceStartError, ServiceUnknownError } from '../container/errors.ts';
import { ServiceContainer } from '../container/service-container.ts';
import type { DeclareRoutes, Gateway } from '../gateway.ts';
import { HealthChecks } from '../health/registry.ts';
import { PeerGuard } from '../peer-guard.ts';
import { IntervalInvalidError, PluginStoppedError } from './errors.ts';
import { BasePlugin, type PluginMetadata, PluginPriority } from './plugin-base.ts';

const NAME: FixtureName = 'fixture.plugin';
const metadata: PluginMetadata = {
  name: 'Plugin',
  version: '1.0.0',
  description: 'Under test',
  priority: PluginPriority.NORMAL,
};

/** A plugin controlled by the test, with the protected members of the base class exposed. */
class Plugin extends BasePlugin {
  readonly metadata = metadata;
  readonly log: string[] = [];
  onStart: (plugin: Plugin) => unknown = () => undefined;
  onEnd: (plugin: Plugin) => unknown = () => undefined;

  override async start(): Promise<void> {
    await this.onStart(this);
  }

  override async stop(): Promise<void> {
    this.log.push('stop()');
    await this.onEnd(this);
  }

  opened(name: string): void {
    this.onStop(() => this.log.push(`release ${name}`));
  }

  readonly open = {
    subscribe: this.subscribe.bind(this),
    addRoutes: this.addRoutes.bind(this),
    every: this.every.bind(this),
    runInBackground: this.runInBackground.bind(this),
    onStop: this.onStop.bind(this),
    requireService: this.requireService.bind(this),
  };

  get log_(): unknown {
    return this.logger;
  }
}

/** Replaces the gateway: only its mounts matter here. */
class Mounts implements Gateway {
  readonly guard = new PeerGuard(new Logging({ console: { enabled: false } }).getLogger('test', 'gateway'));
  readonly addresses = { socket: undefined, http: undefined };
  readonly requests = { begun: 0, pending: 0 };
  readonly mounted = new Set<string>();
  readonly log: string[];
  /** Delays a mount. */
  gate = Promise.resolve();

  constructor(log: string[]) {
    this.log = log;
  }

  rightsChanged(): void {}

  admit(): () => Promise<void> {
    return async () => {};
  }

  waiting() {
    return { unread: 0, unsent: 0 };
  }

  beginChange(): () => void {
    return () => {};
  }

  openChannels(): () => void {
    return () => {};
  }

  openApi(): never {
    throw new TypeError('nothing is served here');
  }

  addMiddleware(): () => void {
    return () => {};
  }

  async mount(name: string, _declare: DeclareRoutes): Promise<() => Promise<void>> {
    await this.gate;
    this.mounted.add(name);
    return async () => {
      this.mounted.delete(name);
      this.log.push('routes');
    };
  }
}

function setUp() {
  const events: string[] = [];
  const container = new ServiceContainer({ onEvent: (event) => void events.push(event.kind) });
  const plugin = new Plugin(NAME, container);
  const bus = new MessageBusClient();
  const gateway = new Mounts(plugin.log);
  const health = new HealthChecks();
  container.registerInstance('logging', new Logging({ console: { enabled: false } }));
  container.registerInstance('message_bus', bus);
  container.registerInstance('gateway', gateway);
  container.registerInstance('health', health);
  container.registerService(NAME, () => plugin, { dependencies: ['message_bus', 'gateway'] });
  return { container, plugin, bus, gateway, health, events };
}

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));

describe('dependencies', () => {
  test('are available in the constructor, which runs after they have started', async () => {
    const container = new ServiceContainer();
    const bus = new MessageBusClient();
    class Early extends Plugin {
      readonly bus = this.requireService('message_bus');
    }
    container.registerInstance('message_bus', bus);
    let made: Early | undefined;
    container.registerService(
      NAME,
      () => {
        made = new Early(NAME, container);
        return made;
      },
      { dependencies: ['message_bus'] },
    );
    await container.start();
    assert.equal(made?.bus, bus);
    await container.stop();
  });

  test('requireService() of an undeclared dependency, or in an unregistered plugin, throws an error with a hint', () => {
    const { plugin, container } = setUp();
    assert.throws(() => plugin.open.requireService('health'), DependencyUndeclaredError);
    const stranger = new Plugin('stranger', container);
    assert.throws(() => stranger.open.requireService('health'), ServiceUnknownError);
  });

  test('a wrong name does not compile, and a right one needs no cast', async () => {
    const { plugin, bus } = setUp();
    await bus.connect();
    // @ts-expect-error no such service
    assert.throws(() => plugin.open.requireService('databse'), DependencyUndeclaredError);
    const typed = plugin.open.requireService('message_bus');
    const published: Promise<void> = typed.publish('a.b', {});
    await published;
    // @ts-expect-error the message bus has no such method
    assert.throws(() => typed.execute('SELECT 1'), TypeError);
  });

  test('the logger is the logging service under its own name, and may be replaced as in the guide', () => {
    const { plugin } = setUp();
    assert.equal(plugin.log_, plugin.log_);
    const mine = new Logging({ console: { enabled: false } }).getLogger('a', 'b');
    class Named extends Plugin {
      constructor(container: ServiceContainer) {
        super(NAME, container);
        this.logger = mine;
      }
    }
    assert.equal(new Named(new ServiceContainer()).log_, mine);
  });
});

describe('resources', () => {
  test('are released automatically: routes and subscriptions, stop(), then the rest, last opened first', async () => {
    const { container, plugin, bus, gateway } = setUp();
    const heard = Promise.withResolvers<void>();
    await bus.connect();
    plugin.onStart = async (it) => {
      it.opened('first');
      await it.open.addRoutes(() => undefined);
      await it.open.subscribe('a.*', () => {
        it.log.push('message');
        heard.resolve();
      });
      it.open.runInBackground('task', async (signal) => {
        await untilAborted(signal);
        it.log.push('task');
      });
      it.opened('last');
    };
    await container.start();
    assert.ok(gateway.mounted.has(NAME));
    await bus.publish('a.b', {});
    await heard.promise;
    const report = await container.stop();
    assert.ok(report.clean, report.toText());
    // The signal ends the task before stop(); that it has ended is awaited in its turn.
    assert.deepEqual(plugin.log, ['message', 'routes', 'task', 'stop()', 'release last', 'release first']);
    assert.equal(gateway.mounted.size, 0);
  });

  test('are released after a failed start', async () => {
    const { container, plugin, gateway } = setUp();
    plugin.onStart = async (it) => {
      it.opened('one');
      await it.open.addRoutes(() => undefined);
      it.open.every('beat', 1_000, () => undefined);
      throw new Error('boom');
    };
    const handles = process.getActiveResourcesInfo().sort();
    await assert.rejects(container.start(), ServiceStartError);
    assert.deepEqual(plugin.log, ['routes', 'stop()', 'release one']);
    assert.equal(gateway.mounted.size, 0);
    assert.equal(plugin.signal.aborted, true);
    assert.deepEqual(process.getActiveResourcesInfo().sort(), handles);
  });

  test('are released even if one release throws and one hangs', async () => {
    const { container, plugin } = setUp();
    plugin.onStart = (it) => {
      it.opened('first');
      it.open.onStop(() => Promise.reject(new Error('boom')));
      it.open.onStop(() => new Promise(() => undefined));
      it.opened('last');
    };
    await container.start();
    const report = await container.stop({ budgetMs: 50 });
    assert.deepEqual(plugin.log, ['stop()', 'release last', 'release first']);
    const stopped = report.services.find(({ name }) => name === NAME);
    assert.notEqual(stopped?.outcome, 'stopped');
  });

  test('can be released earlier, once', async () => {
    const { container, plugin, gateway, bus } = setUp();
    await bus.connect();
    let released = 0;
    await container.start();
    const release = plugin.open.onStop(() => {
      released += 1;
    });
    const unmount = await plugin.open.addRoutes(() => undefined);
    const subscription = await plugin.open.subscribe('a.b', () => undefined);
    await release();
    await release();
    await unmount();
    await subscription.unsubscribe();
    assert.equal(released, 1);
    assert.equal(gateway.mounted.size, 0);
    await container.stop();
    assert.equal(released, 1);
    assert.deepEqual(plugin.log, ['routes', 'stop()']);
  });

  test('cannot be opened after the stop, and those being opened are released', async () => {
    const { container, plugin, gateway } = setUp();
    await container.start();
    const slow = Promise.withResolvers<void>();
    gateway.gate = slow.promise;
    const mounting = plugin.open.addRoutes(() => undefined);
    const refused = assert.rejects(mounting, PluginStoppedError);
    await container.stop();
    slow.resolve();
    await refused;
    assert.equal(gateway.mounted.size, 0);
    let released = false;
    assert.throws(
      () =>
        plugin.open.onStop(() => {
          released = true;
        }),
      PluginStoppedError,
    );
    assert.equal(released, true);
    assert.throws(() => plugin.open.every('beat', 10, () => undefined), PluginStoppedError);
    assert.throws(() => plugin.open.runInBackground('task', () => undefined), PluginStoppedError);
  });

  test('a start that is cancelled aborts the signal', async () => {
    const { container, plugin } = setUp();
    const reached = Promise.withResolvers<void>();
    plugin.onStart = async (it) => {
      reached.resolve();
      await untilAborted(it.signal);
      throw new Error('called off');
    };
    const refused = assert.rejects(container.start(), /cancelled: enough/);
    await reached.promise;
    await container.stop({ reason: 'enough' });
    await refused;
  });

  test('a plugin outside a container is released by its disposal', async () => {
    const log: string[] = [];
    {
      await using plugin = new Plugin(NAME, new ServiceContainer());
      plugin.open.onStop(() => log.push('released'));
      plugin.open.every('beat', 10_000, () => undefined);
      await plugin.start();
    }
    assert.deepEqual(log, ['released']);
  });

  test('a health check is called while the plugin runs', async () => {
    const { container, plugin, health } = setUp();
    plugin.healthCheck = () => ({ status: 'degraded', detail: 'tired' });
    await container.start();
    assert.equal((await health.report()).checks[NAME]?.detail, 'tired');
    await container.stop();
    assert.deepEqual((await health.report()).checks, {});
  });
});

describe('background work', () => {
  test('is restarted after a failure, and cancelled at the stop', async () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      const { container, plugin } = setUp();
      let runs = 0;
      const second = Promise.withResolvers<void>();
      plugin.onStart = (it) => {
        it.open.runInBackground('task', async (signal) => {
          runs += 1;
          if (runs === 1) throw new Error('boom');
          second.resolve();
          await untilAborted(signal);
        });
      };
      await container.start();
      await new Promise((resolve) => setImmediate(resolve));
      mock.timers.tick(1_000);
      await second.promise;
      await container.stop();
      assert.equal(runs, 2);
    } finally {
      mock.timers.reset();
    }
  });

  test('is removed when it resolves', async () => {
    const { container, plugin } = setUp();
    await container.start();
    let ran = 0;
    const end = plugin.open.runInBackground('task', () => {
      ran += 1;
    });
    await new Promise((resolve) => setImmediate(resolve));
    await end();
    assert.equal(ran, 1);
    await container.stop();
  });

  test('a timer repeats without overlapping, and continues after failures', async () => {
    mock.timers.enable({ apis: ['setTimeout'] });
    try {
      const { container, plugin } = setUp();
      const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
      const hold = Promise.withResolvers<void>();
      let beats = 0;
      plugin.onStart = (it) => {
        it.open.every('beat', 100, async () => {
          beats += 1;
          if (beats === 1) throw new Error('boom');
          if (beats === 2) await hold.promise;
        });
      };
      await container.start();
      mock.timers.tick(99);
      await turn();
      assert.equal(beats, 0);
      mock.timers.tick(1);
      await turn();
      assert.equal(beats, 1);
      mock.timers.tick(100);
      await turn();
      assert.equal(beats, 2);
      mock.timers.tick(1_000);
      await turn();
      assert.equal(beats, 2);
      hold.resolve();
      await turn();
      mock.timers.tick(100);
      await turn();
      assert.equal(beats, 3);
      await container.stop();
      mock.timers.tick(1_000);
      await turn();
      assert.equal(beats, 3);
    } finally {
      mock.timers.reset();
    }
  });

  test('an invalid interval is refused', async () => {
    const { plugin } = setUp();
    for (const interval of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31]) {
      assert.throws(() => plugin.open.every('beat', interval, () => undefined), IntervalInvalidError);
    }
  });
});
