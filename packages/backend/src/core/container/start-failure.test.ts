import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fixture, Journal } from '../../../test/fixtures/journal.ts';
import {
  ServiceConstructError,
  ServiceInitializeError,
  ServiceStartError,
  ServiceStartTimeoutError,
  StartCancelledError,
} from './errors.ts';
import { ServiceContainer } from './service-container.ts';
import type { ServiceEvent } from './service-event.ts';

const a = fixture('a');
const b = fixture('b');
const c = fixture('c');
const boom = new Error('boom');

function never(): Promise<never> {
  return new Promise(() => undefined);
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
  );
}

function setUp() {
  const events: ServiceEvent[] = [];
  const container = new ServiceContainer({ onEvent: (event) => void events.push(event) });
  return { container, events, journal: new Journal() };
}

describe('a required service that fails', () => {
  test('is one whose factory returns nothing', async () => {
    for (const nothing of [undefined, null, Promise.resolve(undefined)]) {
      const { container } = setUp();
      container.registerService(a, () => nothing);
      await assert.rejects(container.start(), /"fixture.a" could not be constructed: its factory returned/);
    }
  });

  test('rolls back what had started, in exact reverse', async () => {
    const { container, journal } = setUp();
    container.registerService(a, () => journal.service('a'));
    container.registerService(b, () => journal.service('b'), { dependencies: [a] });
    container.registerService(c, () => journal.service('c', { start: () => Promise.reject(boom) }), {
      dependencies: [b],
    });
    await assert.rejects(container.start(), (error: unknown) => {
      assert.ok(error instanceof ServiceStartError);
      assert.equal(error.service, c);
      assert.equal(error.cause, boom);
      assert.match(error.message, /"fixture.c" failed in start\(\): boom/);
      return true;
    });
    assert.deepEqual(journal.of('stop'), ['c', 'b', 'a']);
    assert.equal(container.state.kind, 'stopped');
    assert.deepEqual(
      container.startReport?.services.map(({ state }) => state),
      ['running', 'running', 'failed'],
    );
  });

  test('has an error of its own for each phase', async () => {
    const failing = [
      [() => Promise.reject(boom), ServiceConstructError],
      [
        () => {
          throw boom;
        },
        ServiceConstructError,
      ],
      [() => ({ initialize: () => Promise.reject(boom) }), ServiceInitializeError],
      [
        () => ({
          start: () => {
            throw boom;
          },
        }),
        ServiceStartError,
      ],
    ] as const;
    for (const [factory, kind] of failing) {
      const { container } = setUp();
      container.registerService(a, factory);
      await assert.rejects(container.start(), kind);
    }
  });

  test('waits for its siblings that are starting, and stops those that started', async () => {
    const { container, journal } = setUp();
    const slow = Promise.withResolvers<void>();
    const midStart = Promise.withResolvers<void>();
    container.registerService(a, () =>
      journal.service('a', {
        start: () => {
          midStart.resolve();
          return slow.promise;
        },
      }),
    );
    container.registerService(b, () => ({
      start: async () => {
        await midStart.promise;
        setImmediate(slow.resolve);
        throw boom;
      },
    }));
    container.registerService(c, () => journal.service('c'), { dependencies: [a] });
    await assert.rejects(container.start(), ServiceStartError);
    assert.deepEqual(journal.lines, ['initialize a', 'start a', 'stop a']);
  });

  test('aborts the signal of siblings that are mid-start', async () => {
    const { container, journal } = setUp();
    container.registerService(a, () => journal.service('a', { start: aborted }));
    container.registerService(b, () => Promise.reject(boom));
    await assert.rejects(container.start(), ServiceConstructError);
    assert.deepEqual(journal.lines, ['initialize a', 'stop a']);
  });

  test('does not affect services that had not begun to start', async () => {
    const { container } = setUp();
    let made = 0;
    container.registerService(a, () => Promise.reject(boom));
    container.registerService(
      b,
      () => {
        made += 1;
      },
      { dependencies: [a] },
    );
    await assert.rejects(container.start());
    assert.equal(made, 0);
  });

  test('between two phases of a sibling prevents the next phase', async () => {
    const { container, journal } = setUp();
    const reached = Promise.withResolvers<void>();
    container.registerService(a, () =>
      journal.service('a', {
        initialize: async () => {
          reached.resolve();
          await new Promise((resolve) => setImmediate(resolve));
        },
      }),
    );
    container.registerService(b, async () => {
      await reached.promise;
      throw boom;
    });
    await assert.rejects(container.start());
    assert.deepEqual(journal.lines, ['initialize a', 'stop a']);
  });

  test('can be started again after the cause is gone', async () => {
    const { container, journal } = setUp();
    let broken = true;
    container.registerService(a, () => journal.service('a'));
    container.registerService(
      b,
      () => {
        if (broken) throw boom;
        return 'well';
      },
      { dependencies: [a] },
    );
    await assert.rejects(container.start());
    broken = false;
    const report = await container.start();
    assert.ok(report.services.every(({ state, error }) => state === 'running' && error === undefined));
    assert.equal(container.getService(b), 'well');
    await container.stop();
  });
});

describe('a service that does not complete a phase', () => {
  const hanging = {
    construct: () => never(),
    initialize: () => ({ initialize: never }),
    start: () => ({ start: never }),
  };
  for (const [phase, factory] of Object.entries(hanging)) {
    test(`in ${phase}: the deadline names it, the phase and the likely mistake`, async () => {
      const { container } = setUp();
      container.registerService(a, factory, { startTimeoutMs: 5 });
      await assert.rejects(container.start(), (error: unknown) => {
        assert.ok(error instanceof ServiceStartTimeoutError);
        assert.equal(error.service, a);
        assert.equal(error.phase, phase);
        assert.match(error.message, /"fixture.a".*did not finish within 5 ms/);
        assert.match(error.hint ?? '', /Most likely|never settled/);
        return true;
      });
    });
  }

  test('an instance that arrives after the deadline is stopped', async () => {
    const { container } = setUp();
    const late = Promise.withResolvers<object>();
    const stopped = Promise.withResolvers<void>();
    container.registerService(a, () => late.promise, { startTimeoutMs: 5 });
    await assert.rejects(container.start(), ServiceStartTimeoutError);
    late.resolve({ stop: () => stopped.resolve() });
    await stopped.promise;
  });

  test('a failure after the deadline is reported', async () => {
    const { container, events } = setUp();
    const late = Promise.withResolvers<object>();
    container.registerService(a, () => late.promise, { startTimeoutMs: 5 });
    await assert.rejects(container.start(), ServiceStartTimeoutError);
    late.reject(boom);
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(events.some(({ kind }) => kind === 'stop-trouble'));
  });
});

describe('a stop during the start', () => {
  test('cancels it: starts in progress may end, started services are stopped, and start() throws the reason', async () => {
    const { container, journal } = setUp();
    const reached = Promise.withResolvers<void>();
    container.registerService(a, () => journal.service('a'));
    container.registerService(
      b,
      () =>
        journal.service('b', {
          start: async (signal) => {
            reached.resolve();
            await aborted(signal);
          },
        }),
      { dependencies: [a] },
    );
    const started = container.start();
    const refused = assert.rejects(started, (error: unknown) => {
      assert.ok(error instanceof StartCancelledError);
      assert.match(error.message, /cancelled: SIGTERM/);
      return true;
    });
    await reached.promise;
    const report = await container.stop({ reason: 'SIGTERM' });
    await refused;
    assert.deepEqual(journal.lines, ['initialize a', 'start a', 'initialize b', 'stop b', 'stop a']);
    assert.deepEqual(
      report.services.map(({ name }) => name),
      [a],
    );
  });

  test('waits within the budget for a service that ignores the signal, and names it', async () => {
    const { container, events } = setUp();
    container.registerService(a, () => ({ start: never }));
    const refused = assert.rejects(container.start(), StartCancelledError);
    await container.stop({ budgetMs: 20 });
    await refused;
    const trouble = events.find(({ kind }) => kind === 'stop-trouble');
    assert.equal(trouble?.service, a);
  });

  test('from within a factory does not deadlock', async () => {
    const { container } = setUp();
    let stopped: Promise<unknown> | undefined;
    container.registerService(a, () => {
      stopped = container.stop();
      return {};
    });
    await assert.rejects(container.start(), StartCancelledError);
    await stopped;
    assert.equal(container.state.kind, 'stopped');
  });

  test('start() called within a factory returns the promise of the running start', async () => {
    const { container } = setUp();
    let inner: Promise<unknown> | undefined;
    container.registerService(a, () => {
      inner = container.start();
      return {};
    });
    const report = await container.start();
    assert.equal(await inner, report);
    await container.stop();
  });
});
