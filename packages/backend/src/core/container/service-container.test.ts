import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { fixture, Journal } from '../../../test/fixtures/journal.ts';
import {
  ContainerStateError,
  DependencyGraphError,
  DependencyUndeclaredError,
  ServiceNotRunningError,
  ServiceOptionError,
  ServiceUnknownError,
} from './errors.ts';
import { ServiceContainer } from './service-container.ts';

const a = fixture('a');
const b = fixture('b');
const c = fixture('c');

describe('registration', () => {
  test('nothing runs before start()', async () => {
    const container = new ServiceContainer();
    let made = 0;
    container.registerService(a, () => (made += 1));
    assert.equal(made, 0);
    assert.equal(container.stateOf(a).kind, 'registered');
    await container.start();
    assert.equal(made, 1);
  });

  test('an invalid graph is reported completely before any factory runs, and can be corrected', async () => {
    const container = new ServiceContainer();
    let made = 0;
    container.registerService(a, () => (made += 1), { dependencies: [b, c] });
    container.registerService(c, () => (made += 1), { dependencies: [c] });
    container.registerService(a, () => (made += 1));
    await assert.rejects(container.start(), (error: unknown) => {
      assert.ok(error instanceof DependencyGraphError);
      assert.deepEqual(error.problems.map(({ kind }) => kind).sort(), ['circular', 'duplicate', 'missing']);
      return true;
    });
    assert.equal(made, 0);
    assert.equal(container.state.kind, 'idle');

    const mended = new ServiceContainer();
    mended.registerService(a, () => 1, { dependencies: [b] });
    await assert.rejects(mended.start(), DependencyGraphError);
    mended.registerService(b, () => 1);
    await mended.start();
  });

  test('after the start it is refused', async () => {
    const container = new ServiceContainer();
    await container.start();
    assert.throws(() => container.registerService(a, () => 1), ContainerStateError);
    assert.throws(() => container.registerInstance(a, 1), ContainerStateError);
  });

  test('invalid options are refused at once, by name', () => {
    const container = new ServiceContainer();
    const attempts = [
      { priority: Number.NaN },
      { priority: Number.POSITIVE_INFINITY },
      { startTimeoutMs: 0 },
      { stopTimeoutMs: -1 },
      { startTimeoutMs: Number.POSITIVE_INFINITY },
      { retry: { retries: 1.5 } },
      { retry: { minDelayMs: Number.NaN } },
    ];
    for (const options of attempts) {
      assert.throws(() => container.registerService(a, () => 1, options), ServiceOptionError);
    }
    assert.throws(() => container.registerService('', () => 1), ServiceOptionError);
  });

  test('an instance is available at once, and is neither started nor stopped', async () => {
    const container = new ServiceContainer();
    const journal = new Journal();
    const instance = journal.service('a');
    container.registerInstance(a, instance);
    assert.equal(container.getService(a), instance);
    await container.start();
    await container.stop();
    assert.deepEqual(journal.lines, []);
    assert.equal(container.getService(a), instance);
  });
});

describe('resolution', () => {
  test('a factory gets its declared dependencies, and no others', async () => {
    const container = new ServiceContainer();
    container.registerService(a, () => 'A');
    container.registerService(b, (requireService) => [requireService(a)], { dependencies: [a] });
    await container.start();
    assert.deepEqual(container.getService(b), ['A']);
    assert.throws(() => container.resolve(a, b), DependencyUndeclaredError);
    assert.throws(() => container.resolve(fixture('none'), a), ServiceUnknownError);
  });

  test('an undeclared dependency is an error that names the line to add', () => {
    const container = new ServiceContainer();
    container.registerService(a, () => 1, { dependencies: [c] });
    assert.throws(
      () => container.resolve(a, b),
      (error: unknown) => {
        assert.ok(error instanceof DependencyUndeclaredError);
        assert.match(error.message, /"fixture.a" asked for "fixture.b" but declares only fixture.c/);
        assert.match(error.hint ?? '', /dependencies: \['fixture.b', …\]/);
        return true;
      },
    );
  });

  test('a service is not available before it runs, nor after it was stopped', async () => {
    const container = new ServiceContainer();
    container.registerService(a, () => 'A');
    assert.throws(() => container.getService(a), ServiceNotRunningError);
    assert.equal(container.findService(a), undefined);
    await container.start();
    assert.equal(container.getService(a), 'A');
    await container.stop();
    assert.throws(() => container.getService(a), /is stopped, not running/);
    assert.throws(() => container.getService(b), ServiceUnknownError);
    assert.equal(container.findService(b), undefined);
  });
});

describe('start and stop', () => {
  test('independent services start in parallel', async () => {
    const container = new ServiceContainer();
    const both = Promise.withResolvers<void>();
    let under = 0;
    const start = async (): Promise<void> => {
      under += 1;
      if (under === 2) both.resolve();
      await both.promise;
    };
    container.registerService(a, () => ({ start }));
    container.registerService(b, () => ({ start }));
    await container.start();
    assert.equal(under, 2);
  });

  test('priority orders only services that are ready at the same moment', async () => {
    const journal = new Journal();
    const container = new ServiceContainer();
    const register = (name: string, priority: number, ...dependencies: string[]): void =>
      container.registerService(fixture(name), () => journal.service(name), {
        priority,
        dependencies: dependencies.map((each) => fixture(each)),
      });
    register('late', 1, 'base');
    register('last', 2, 'other');
    register('base', 1_000);
    register('other', 900);
    register('first', -5);
    await container.start();
    assert.deepEqual(journal.of('start'), ['first', 'other', 'base', 'late', 'last']);
  });

  test('the stop order is the exact reverse of the start order, for any graph and timing', async () => {
    const specs = fc.array(
      fc.record({
        priority: fc.integer(),
        asks: fc.array(fc.nat(), { maxLength: 4 }),
        turns: fc.nat({ max: 4 }),
      }),
      { maxLength: 25 },
    );
    await fc.assert(
      fc.asyncProperty(specs, async (services) => {
        const journal = new Journal();
        const container = new ServiceContainer();
        for (const [index, { priority, asks, turns }] of services.entries()) {
          const dependencies = index === 0 ? [] : asks.map((ask) => fixture(`${ask % index}`));
          const start = async (): Promise<void> => {
            for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
            for (const dependency of dependencies)
              assert.ok(journal.lines.includes(`start ${dependency.slice(8)}`));
          };
          container.registerService(fixture(`${index}`), () => journal.service(`${index}`, { start }), {
            priority,
            dependencies,
          });
        }
        await container.start();
        const report = await container.stop();
        assert.equal(journal.of('start').length, services.length);
        assert.deepEqual(journal.of('stop'), journal.of('start').reverse());
        assert.deepEqual(
          report.services.map(({ name }) => name.slice(8)),
          journal.of('stop'),
        );
      }),
      { numRuns: 60 },
    );
  });

  test('concurrent calls of start() share one start, and those of stop() one stop', async () => {
    const journal = new Journal();
    const container = new ServiceContainer();
    container.registerService(a, () => journal.service('a'));
    const [first, second] = await Promise.all([container.start(), container.start()]);
    assert.equal(first, second);
    assert.equal(await container.start(), first);
    const [one, two] = await Promise.all([container.stop(), container.stop()]);
    assert.equal(one, two);
    assert.equal(await container.stop(), one);
    assert.deepEqual(journal.lines, ['initialize a', 'start a', 'stop a']);
  });

  test('a stopped container can be started again, with new instances', async () => {
    const container = new ServiceContainer();
    let made = 0;
    container.registerService(a, () => {
      made += 1;
      return { made };
    });
    await container.start();
    await container.stop();
    await container.start();
    assert.deepEqual(container.getService(a), { made: 2 });
    await container.stop();
  });

  test('stop() without a start does nothing', async () => {
    const report = await new ServiceContainer().stop();
    assert.ok(report.clean);
    assert.deepEqual(report.services, []);
  });

  test('an object without stop() is stopped by the stop option, and a disposable by its disposal', async () => {
    const ended: string[] = [];
    const container = new ServiceContainer();
    container.registerService(a, () => ({ name: 'pool' }), { stop: () => void ended.push('a') });
    container.registerService(b, () => ({ [Symbol.asyncDispose]: async () => void ended.push('b') }), {
      dependencies: [a],
    });
    container.registerService(c, () => ({ [Symbol.dispose]: () => void ended.push('c') }), {
      dependencies: [b],
    });
    await container.start();
    await container.stop();
    assert.deepEqual(ended, ['c', 'b', 'a']);
  });
});

describe('the start report', () => {
  test('lists for each service its phases, attempts and the dependency that came last', async () => {
    const container = new ServiceContainer();
    const release = Promise.withResolvers<void>();
    container.registerService(a, () => ({ start: () => release.promise }));
    container.registerService(b, () => ({ initialize: async () => void setImmediate(release.resolve) }));
    container.registerService(c, () => 1, { dependencies: [a, b], priority: 7 });
    const report = await container.start();
    const byName = new Map(report.services.map((service) => [service.name, service]));
    assert.deepEqual(Object.keys(byName.get(a)?.phases ?? {}), ['construct', 'start']);
    assert.equal(byName.get(c)?.waitedOn, a);
    assert.equal(byName.get(c)?.attempts, 1);
    assert.equal(byName.get(c)?.priority, 7);
    assert.ok((byName.get(c)?.waitedMs ?? -1) >= 0);
    assert.match(report.toText(), /3 of 3 services run, after/);
    assert.match(report.toText(), /fixture\.c +running .*waited .* for fixture\.a/);
    assert.deepEqual(JSON.parse(JSON.stringify(report)).services[2].dependencies, [a, b]);
    await container.stop();
  });

  test('is available at any time, and shows what a service waits for', async () => {
    const container = new ServiceContainer();
    const release = Promise.withResolvers<void>();
    container.registerService(a, () => ({ start: () => release.promise }));
    container.registerService(b, () => 1, { dependencies: [a] });
    const started = container.start();
    const [first, second] = container.report().services;
    assert.equal(first?.state, 'starting');
    assert.equal(first?.phase, 'start');
    assert.deepEqual(second?.waitingFor, [a]);
    release.resolve();
    await started;
    await container.stop();
    assert.deepEqual(
      container.report().services.map(({ state }) => state),
      ['stopped', 'stopped'],
    );
  });
});
