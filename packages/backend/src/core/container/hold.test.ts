import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, test } from 'node:test';
import { fixture, Journal } from '../../../test/fixtures/journal.ts';
import { ContainerStateError, ServiceStartError, ServiceUnknownError } from './errors.ts';
import { ServiceContainer } from './service-container.ts';
import { servicesCheck } from './services-check.ts';

const gate = fixture('gate');
const data = fixture('data');
const plugin = fixture('plugin');

function setUp(startData: () => Promise<void> = async () => {}) {
  const journal = new Journal();
  const container = new ServiceContainer({ onEvent: () => {} });
  container.registerService(gate, () => journal.service('gate'));
  container.registerService(data, () => journal.service('data', { start: startData }));
  container.registerService(plugin, () => journal.service('plugin'), { dependencies: [data, gate] });
  return { journal, container };
}

describe('held services', () => {
  test('start outside of the request that releases, reloads or changes them', async () => {
    const request = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const { container } = setUp(async () => {
      seen.push(request.getStore());
    });
    await container.hold([data], 'locked');
    await container.start();
    await request.run('release', () => container.release());
    await request.run('reload', () => container.reload(data));
    const start = (): void => {
      seen.push(request.getStore());
    };
    const changed = container.registration(data, () => ({ start }));
    await request.run('change', () => container.change({ add: [changed] }));
    await container.stop();
    assert.deepEqual(seen, [undefined, undefined, undefined]);
  });

  test('and their dependents are omitted from a start, which succeeds', async () => {
    const { journal, container } = setUp();
    await container.hold([data], 'locked');
    await container.start();
    assert.deepEqual(journal.of('start'), ['gate']);
    assert.deepEqual(container.stateOf(plugin), { kind: 'held', reason: 'locked' });
    assert.deepEqual(await servicesCheck(container)(AbortSignal.timeout(1_000)), {
      status: 'unhealthy',
      detail: 'locked',
      data: { running: 1, notRunning: [data, plugin] },
    });
    await container.stop();
    assert.deepEqual(journal.of('stop'), ['gate']);
  });

  test('start in order once released, and can be held again: stopped in reverse, the others keep running', async () => {
    const { journal, container } = setUp();
    await container.hold([data], 'locked');
    await container.start();
    await container.release();
    assert.deepEqual(journal.of('start'), ['gate', 'data', 'plugin']);
    await container.hold([data], 'locked again');
    assert.deepEqual(journal.of('stop'), ['plugin', 'data']);
    assert.equal(container.stateOf(gate).kind, 'running');
    await container.release();
    await container.stop();
    assert.deepEqual(journal.of('stop'), ['plugin', 'data', 'plugin', 'data', 'gate']);
  });

  test('are all held again when a required one of them fails, and can be released again', async () => {
    let fails = true;
    const { journal, container } = setUp(async () => {
      if (fails) throw new Error('no such file');
    });
    await container.hold([data], 'locked');
    await container.start();
    await assert.rejects(container.release(), ServiceStartError);
    assert.deepEqual(container.stateOf(data), { kind: 'held', reason: 'locked' });
    fails = false;
    await container.release();
    assert.deepEqual(journal.of('start'), ['gate', 'data', 'plugin']);
    await container.stop();
  });

  test('stay held when a dependency is reloaded', async () => {
    const { container, journal } = setUp();
    await container.hold([data], 'locked');
    await container.start();
    await container.reload(gate);
    assert.deepEqual(journal.of('start'), ['gate', 'gate']);
    assert.deepEqual(container.stateOf(plugin), { kind: 'held', reason: 'locked' });
    await container.release();
    assert.equal(container.stateOf(plugin).kind, 'running');
    await container.stop();
  });

  test('a stop during a release takes precedence', async () => {
    const reached = Promise.withResolvers<void>();
    const journal = new Journal();
    const container = new ServiceContainer({ onEvent: () => {} });
    container.registerService(data, () =>
      journal.service('data', {
        start: async (signal) => {
          reached.resolve();
          await new Promise((_, reject) =>
            signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
          );
        },
      }),
    );
    await container.hold([data], 'locked');
    await container.start();
    const released = assert.rejects(container.release());
    await reached.promise;
    const report = await container.stop();
    await released;
    assert.equal(report.clean, true);
    assert.equal(container.stateOf(data).kind, 'stopped');
    assert.deepEqual(journal.of('stop'), ['data']);
  });

  test('unknown names, held names and a release of a stopped container are refused', async () => {
    const { container } = setUp();
    await assert.rejects(container.hold(['none'], 'locked'), ServiceUnknownError);
    await assert.rejects(container.release(), ContainerStateError);
    await container.hold([data], 'locked');
    await assert.rejects(container.hold([gate], 'locked'), ContainerStateError);
  });
});

describe('a view for each consumer', () => {
  test('replaces the instance, is created once, and again when the service restarts', async () => {
    const made: string[] = [];
    const seen: unknown[] = [];
    const released: unknown[] = [];
    const container = new ServiceContainer({ onEvent: () => {} });
    container.registerService(data, () => ({ whose: 'none' }), {
      releaseView: (view) => void released.push(view),
      viewFor: (_, consumer) => {
        made.push(consumer);
        return { whose: consumer };
      },
    });
    container.registerService(plugin, (require) => seen.push(require(data), require(data)), {
      dependencies: [data],
    });
    await container.start();
    assert.deepEqual(seen, [{ whose: plugin }, { whose: plugin }]);
    assert.deepEqual(container.getService(data), { whose: 'none' });
    await container.reload(data);
    assert.deepEqual(made, [plugin, plugin]);
    await container.reload(plugin);
    await container.stop();
    assert.equal(made.length, 3);
    assert.deepEqual(released, Array(3).fill({ whose: plugin }));
  });
});
