import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fixture, Journal } from '../../../test/fixtures/journal.ts';
import { ContainerStateError, ServiceConstructError, ServiceUnknownError } from './errors.ts';
import { ServiceContainer } from './service-container.ts';

const a = fixture('a');
const b = fixture('b');
const c = fixture('c');
const never = (): Promise<never> => new Promise(() => undefined);

function setUp(): { container: ServiceContainer; journal: Journal } {
  return { container: new ServiceContainer({ onEvent: () => undefined }), journal: new Journal() };
}

describe('stop', () => {
  test('a service that throws and one that hangs are reported, and the others are stopped', async () => {
    const { container, journal } = setUp();
    container.registerService(a, () => journal.service('a'));
    container.registerService(b, () => journal.service('b', { stop: never }), {
      dependencies: [a],
      stopTimeoutMs: 5,
    });
    container.registerService(
      c,
      () => journal.service('c', { stop: () => Promise.reject(new Error('boom')) }),
      {
        dependencies: [b],
      },
    );
    await container.start();
    const report = await container.stop({ reason: 'test' });
    assert.deepEqual(journal.of('stop'), ['c', 'b', 'a']);
    assert.deepEqual(
      report.services.map(({ outcome }) => outcome),
      ['failed', 'timeout', 'stopped'],
    );
    assert.equal(report.clean, false);
    assert.equal(report.timedOut, true);
    assert.match(report.toText(), /stopped 3 services in .* \(test\)/);
    assert.match(report.toText(), /"fixture.b": stop\(\) did not finish within 5 ms/);
    assert.match(report.toText(), /"fixture.c" failed in stop\(\): boom/);
    assert.equal(
      JSON.parse(JSON.stringify(report)).services[1].troubles[0].code,
      'AICO_SERVICE_STOP_TIMEOUT',
    );
  });

  test('the signal aborts at the deadline', async () => {
    const { container } = setUp();
    const told = Promise.withResolvers<void>();
    container.registerService(
      a,
      () => ({
        stop: async (signal: AbortSignal) => {
          signal.addEventListener('abort', () => told.resolve());
          await never();
        },
      }),
      { stopTimeoutMs: 5 },
    );
    await container.start();
    await container.stop();
    await told.promise;
  });

  test('many hanging services together stay within the budget, and stop() of each is called', async () => {
    const { container, journal } = setUp();
    for (let index = 0; index < 20; index += 1) {
      container.registerService(fixture(`${index}`), () => journal.service(`${index}`, { stop: never }));
    }
    await container.start();
    const beganAt = performance.now();
    const report = await container.stop({ budgetMs: 100 });
    assert.ok(performance.now() - beganAt < 400);
    assert.equal(journal.of('stop').length, 20);
    assert.equal(report.services.length, 20);
  });

  test('a second call with a smaller budget shortens the first', async () => {
    const { container } = setUp();
    for (let index = 0; index < 20; index += 1) {
      container.registerService(fixture(`${index}`), () => ({ stop: never }), { stopTimeoutMs: 50 });
    }
    await container.start();
    const beganAt = performance.now();
    const first = container.stop();
    const second = container.stop({ budgetMs: 20 });
    assert.equal(await first, await second);
    assert.ok(performance.now() - beganAt < 500);
  });
});

describe('reload', () => {
  test('restarts a service and its dependents, in order, and no others', async () => {
    const { container, journal } = setUp();
    container.registerService(a, () => journal.service('a'));
    container.registerService(b, () => journal.service('b'), { dependencies: [a] });
    container.registerService(c, () => journal.service('c'), { dependencies: [b] });
    container.registerService(fixture('d'), () => journal.service('d'));
    await container.start();
    journal.lines.length = 0;
    const report = await container.reload(b);
    assert.deepEqual(journal.lines, [
      'stop c',
      'stop b',
      'initialize b',
      'start b',
      'initialize c',
      'start c',
    ]);
    assert.deepEqual(
      report.services.map(({ name }) => name),
      [b, c],
    );
    journal.lines.length = 0;
    await container.stop();
    assert.deepEqual(journal.of('stop'), ['c', 'b', 'd', 'a']);
  });

  test('starts a service that waits for a retry immediately', async () => {
    const { container, journal } = setUp();
    let broken = true;
    const start = async (): Promise<void> => {
      if (broken) throw new Error('broken');
    };
    container.registerService(a, () => journal.service('a', { start }), {
      required: false,
      retry: { minDelayMs: 60_000 },
    });
    container.registerService(b, () => journal.service('b'), { dependencies: [a], required: false });
    await container.start();
    broken = false;
    await container.reload(a);
    assert.deepEqual(journal.of('start'), ['a', 'b']);
    await container.stop();
    assert.deepEqual(journal.of('stop'), ['a', 'b', 'a']);
  });

  test('reports a required service that does not start again to the caller, and the others keep running', async () => {
    const { container, journal } = setUp();
    let made = 0;
    container.registerService(a, () => {
      made += 1;
      if (made === 2) throw new Error('boom');
      return {};
    });
    container.registerService(b, () => journal.service('b'), { dependencies: [a] });
    container.registerService(c, () => journal.service('c'));
    await container.start();
    await assert.rejects(container.reload(a), ServiceConstructError);
    assert.equal(container.state.kind, 'running');
    assert.equal(container.stateOf(a).kind, 'failed');
    assert.equal(container.stateOf(b).kind, 'waiting');
    assert.equal(container.stateOf(c).kind, 'running');
    await container.reload(a);
    assert.equal(container.stateOf(b).kind, 'running');
    await container.stop();
  });

  test('runs one reload at a time', async () => {
    const { container, journal } = setUp();
    container.registerService(a, () => journal.service('a'));
    container.registerService(b, () => journal.service('b'), { dependencies: [a] });
    await container.start();
    journal.lines.length = 0;
    await Promise.all([container.reload(a), container.reload(b), container.reload(a)]);
    assert.deepEqual(journal.of('start'), ['a', 'b', 'b', 'a', 'b']);
    assert.deepEqual(journal.of('stop'), ['b', 'a', 'b', 'b', 'a']);
    await container.stop();
  });

  test('is ended by a stop, which leaves nothing running', async () => {
    const { container, journal } = setUp();
    let made = 0;
    const reached = Promise.withResolvers<void>();
    container.registerService(a, () => journal.service('a'));
    container.registerService(
      b,
      () => {
        made += 1;
        return journal.service('b', {
          start: async (signal) => {
            if (made === 1) return;
            reached.resolve();
            await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
          },
        });
      },
      { dependencies: [a] },
    );
    await container.start();
    const reloaded = assert.rejects(container.reload(b), /cancelled/);
    await reached.promise;
    await container.stop();
    await reloaded;
    assert.deepEqual(journal.of('stop'), ['b', 'b', 'a']);
    assert.equal(container.state.kind, 'stopped');
    await assert.rejects(container.reload(b), ContainerStateError);
  });

  test('refuses a service that the container did not create', async () => {
    const { container } = setUp();
    container.registerInstance(a, 1);
    await assert.rejects(container.reload(a), ContainerStateError);
    await assert.rejects(container.reload(b), ServiceUnknownError);
  });
});
