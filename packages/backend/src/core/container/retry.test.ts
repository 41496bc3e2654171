import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fixture, Journal } from '../../../test/fixtures/journal.ts';
import { ServiceStartError } from './errors.ts';
import { ServiceContainer } from './service-container.ts';
import type { ServiceEvent } from './service-event.ts';

const a = fixture('a');
const b = fixture('b');
const c = fixture('c');
const retry = { minDelayMs: 1, maxDelayMs: 2 };

/** A container whose events can be awaited, and a service that fails until the test lets it succeed. */
function setUp() {
  const events: ServiceEvent[] = [];
  const waiting: { kind: string; resolve: () => void }[] = [];
  const container = new ServiceContainer({
    random: () => 0,
    onEvent: (event) => {
      events.push(event);
      for (const { kind, resolve } of waiting) if (kind === event.kind) resolve();
    },
  });
  const until = (kind: ServiceEvent['kind']): Promise<void> =>
    new Promise((resolve) => waiting.push({ kind, resolve }));
  const journal = new Journal();
  const health = { well: false };
  const flaky = () =>
    journal.service('a', {
      start: async () => {
        if (!health.well) throw new TypeError('not yet');
      },
    });
  return { container, events, until, journal, health, flaky };
}

describe('an optional service that fails', () => {
  test('does not prevent the others from starting, is degraded, and is retried until it runs', async () => {
    const { container, events, until, journal, health, flaky } = setUp();
    container.registerService(a, flaky, { required: false, retry });
    container.registerService(b, () => journal.service('b'), { dependencies: [a], required: false });
    container.registerService(c, () => journal.service('c'));
    await container.start();
    assert.equal(container.state.kind, 'running');
    assert.deepEqual(journal.of('start'), ['c']);
    assert.notEqual(container.stateOf(a).kind, 'running');
    assert.equal(container.stateOf(b).kind, 'waiting');
    assert.deepEqual(container.report().services[1]?.waitingFor, [a]);
    const recovered = until('recovered');
    health.well = true;
    await recovered;
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(journal.of('start'), ['c', 'a', 'b']);
    assert.ok(events.some(({ kind }) => kind === 'retrying'));
    assert.ok(container.report().services.every(({ state }) => state === 'running'));
    // Each failed attempt was cleaned up, and the one that runs is stopped in its place.
    await container.stop();
    assert.deepEqual(journal.of('stop').slice(-3), ['b', 'a', 'c']);
    assert.equal(journal.of('stop').length, journal.of('initialize').length);
  });

  test('fails permanently when its retries are used up', async () => {
    const { container, until, flaky } = setUp();
    container.registerService(a, flaky, { required: false, retry: { ...retry, retries: 2 } });
    const failed = until('failed');
    await container.start();
    await failed;
    assert.equal(container.stateOf(a).kind, 'failed');
    assert.equal(container.report().services[0]?.attempts, 3);
    assert.equal(container.report().services[0]?.error?.code, 'AICO_SERVICE_START');
    await container.stop();
  });

  test('is required if a required one depends on it: the start fails and names both', async () => {
    const { container, flaky } = setUp();
    container.registerService(a, flaky, { required: false });
    container.registerService(b, () => 1, { dependencies: [a], required: false });
    container.registerService(c, () => 1, { dependencies: [b] });
    await assert.rejects(container.start(), ServiceStartError);
    assert.equal(container.startReport?.services[0]?.requiredBy, b);
    assert.match(container.startReport?.toText() ?? '', /required by fixture\.b/);
  });

  test('a stop while a retry is pending ends at once and leaves no timer', async () => {
    const { container, flaky, journal } = setUp();
    container.registerService(a, flaky, { required: false, retry: { minDelayMs: 60_000 } });
    container.registerService(b, () => journal.service('b'));
    const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const before = timers();
    await container.start();
    assert.equal(container.stateOf(a).kind, 'retrying');
    await container.stop();
    assert.equal(container.stateOf(a).kind, 'stopped');
    assert.equal(timers(), before);
  });

  test('a stop during a retry waits for it and cleans up', async () => {
    const { container, journal } = setUp();
    const again = Promise.withResolvers<void>();
    let tries = 0;
    container.registerService(
      a,
      () =>
        journal.service('a', {
          start: async (signal) => {
            tries += 1;
            if (tries === 1) throw new Error('first');
            again.resolve();
            await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
          },
        }),
      { required: false, retry },
    );
    await container.start();
    await again.promise;
    await container.stop();
    assert.equal(journal.of('stop').length, 2);
    assert.equal(container.stateOf(a).kind, 'stopped');
  });
});

test('a required service with retries is retried before the start fails', async () => {
  const { container, health, flaky, until } = setUp();
  container.registerService(a, flaky, { retry: { ...retry, retries: 5 } });
  void until('retrying').then(() => {
    health.well = true;
  });
  const report = await container.start();
  assert.equal(report.services[0]?.attempts, 2);
  await container.stop();
});
