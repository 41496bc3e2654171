import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fixture } from '../../../test/fixtures/journal.ts';
import { ServiceContainer } from '../container/service-container.ts';
import { servicesCheck } from '../container/services-check.ts';
import { HealthCheckTakenError } from './errors.ts';
import { readinessProbe } from './readiness.ts';
import { HealthChecks } from './registry.ts';
import type { HealthStatus } from './types.ts';

const says = (status: HealthStatus) => () => ({ status });
const turn = () => new Promise((resolve) => setImmediate(resolve));
const never = (): Promise<never> => new Promise(() => undefined);

describe('the report', () => {
  test('is healthy only if every check is healthy, not if every check returned something', async () => {
    const health = new HealthChecks();
    assert.equal((await health.report()).status, 'healthy');
    health.register('a', says('healthy'));
    assert.equal((await health.report()).status, 'healthy');
    health.register('b', says('degraded'));
    assert.equal((await health.report()).status, 'degraded');
  });

  test('is unhealthy if a critical check is, and degraded if another one is', async () => {
    const health = new HealthChecks();
    const remove = health.register('a', says('unhealthy'));
    assert.equal((await health.report()).status, 'degraded');
    remove();
    health.register('a', says('unhealthy'), { critical: true });
    assert.equal((await health.report()).status, 'unhealthy');
  });

  test('a check that throws, rejects, hangs or returns nonsense is unhealthy, with the reason', async () => {
    const health = new HealthChecks();
    const nonsense: () => { status: HealthStatus } = () => JSON.parse('{"status":"fine"}');
    health.register('throws', () => {
      throw new Error('boom');
    });
    health.register('rejects', () => Promise.reject(new Error('gone')));
    health.register('hangs', never, { timeoutMs: 5 });
    health.register('nonsense', nonsense);
    const { checks, timestamp } = await health.report();
    assert.equal(checks.throws?.detail, 'boom');
    assert.equal(checks.rejects?.detail, 'gone');
    assert.match(checks.hangs?.detail ?? '', /^has not answered for \d+ ms$/);
    assert.equal(checks.nonsense?.detail, 'the check did not return a status');
    for (const check of Object.values(checks)) {
      assert.equal(check.status, 'unhealthy');
      assert.ok(check.durationMs >= 0);
    }
    assert.match(timestamp, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  });

  test('all checks run concurrently', async () => {
    const health = new HealthChecks();
    const both = Promise.withResolvers<void>();
    let asked = 0;
    const check = async () => {
      asked += 1;
      if (asked === 2) both.resolve();
      await both.promise;
      return { status: 'healthy' } as const;
    };
    health.register('a', check);
    health.register('b', check);
    assert.equal((await health.report()).status, 'healthy');
  });

  test('a check that hangs has its signal aborted, and is not called again until it has settled', async () => {
    const health = new HealthChecks();
    let asked = 0;
    let told = 0;
    const answer = Promise.withResolvers<{ status: 'healthy' }>();
    health.register(
      'a',
      (signal) => {
        asked += 1;
        signal.addEventListener('abort', () => {
          told += 1;
        });
        return answer.promise;
      },
      { timeoutMs: 5 },
    );
    await health.report();
    const second = await health.report();
    assert.match(second.checks.a?.detail ?? '', /has not answered for/);
    assert.deepEqual([asked, told], [1, 1]);
    answer.resolve({ status: 'healthy' });
    await turn();
    assert.equal((await health.report()).status, 'healthy');
  });

  test('the first answer of a check is awaited, a later one that is late is degraded, and a check that hangs is unhealthy', async () => {
    const health = new HealthChecks({ lateMs: 0 });
    const timeoutMs = 50;
    let answers = true;
    health.register(
      'a',
      async () => {
        for (let n = 0; n < 3; n += 1) await turn();
        return answers ? { status: 'healthy' } : never();
      },
      { timeoutMs, critical: true },
    );
    const probe = readinessProbe(() => true, health);
    assert.equal((await health.report()).status, 'healthy');
    answers = false;
    const askedAt = performance.now();
    assert.deepEqual(await probe(), { ready: true });
    let report = await health.report();
    while (report.checks.a?.status !== 'unhealthy') {
      assert.equal(report.checks.a?.status, 'degraded');
      assert.match(report.checks.a.detail ?? '', /^has not answered for \d+ ms$/);
      report = await health.report();
    }
    assert.ok(performance.now() - askedAt >= timeoutMs);
    assert.equal((await probe()).ready, false);
  });

  test('a check that was unhealthy stays so while its next answer is late', async () => {
    const health = new HealthChecks({ lateMs: 0 });
    let asked = 0;
    health.register('a', () => {
      asked += 1;
      return asked === 1 ? { status: 'unhealthy', detail: 'the disk is full' } : never();
    });
    for (const _ of [1, 2]) {
      const { status, detail } = (await health.report()).checks.a ?? {};
      assert.deepEqual([status, detail], ['unhealthy', 'the disk is full']);
    }
    assert.equal(asked, 2);
  });

  test('a caller during a run of a check gets its result', async () => {
    const health = new HealthChecks();
    let asked = 0;
    const answer = Promise.withResolvers<{ status: 'healthy' }>();
    health.register('a', () => {
      asked += 1;
      return answer.promise;
    });
    const reports = Promise.all([health.report(), health.report()]);
    answer.resolve({ status: 'healthy' });
    assert.deepEqual(
      (await reports).map(({ status }) => status),
      ['healthy', 'healthy'],
    );
    assert.equal(asked, 1);
  });

  test('a name can be used once; removing a check twice does not affect a later one', () => {
    const health = new HealthChecks();
    const remove = health.register('a', says('healthy'));
    assert.throws(() => health.register('a', says('healthy')), HealthCheckTakenError);
    remove();
    health.register('a', says('healthy'));
    remove();
    assert.throws(() => health.register('a', says('healthy')), HealthCheckTakenError);
  });
});

describe('services', () => {
  test('a check is added and removed with its service; a required service makes it critical', async () => {
    const health = new HealthChecks();
    const container = new ServiceContainer({ onEvent: () => undefined });
    container.registerInstance('health', health);
    container.registerService(fixture('a'), () => ({ healthCheck: says('unhealthy') }));
    container.registerService(fixture('b'), () => ({ healthCheck: says('healthy') }), { required: false });
    await container.start();
    const { checks, status } = await health.report();
    assert.equal(status, 'unhealthy');
    assert.equal(checks[fixture('a')]?.critical, true);
    assert.equal(checks[fixture('b')]?.critical, false);
    await container.stop();
    assert.deepEqual((await health.report()).checks, {});
  });

  test('services that are not running are named', async () => {
    const container = new ServiceContainer({ onEvent: () => undefined });
    const health = new HealthChecks();
    health.register('services', servicesCheck(container), { critical: true });
    container.registerService(fixture('a'), () => Promise.reject(new Error('boom')), { required: false });
    container.registerService(fixture('b'), () => 1);
    assert.equal((await health.report()).status, 'unhealthy');
    await container.start();
    const { checks, status } = await health.report();
    assert.equal(status, 'degraded');
    assert.equal(checks.services?.detail, 'fixture.a is retrying');
    await container.stop();
  });
});

describe('readiness', () => {
  test('needs the lifecycle to be ready and no critical check to be unhealthy', async () => {
    const health = new HealthChecks();
    let up = false;
    let status: HealthStatus = 'healthy';
    health.register('a', () => ({ status, detail: 'file is gone' }), { critical: true });
    health.register('b', says('unhealthy'));
    const probe = readinessProbe(() => up, health);
    assert.deepEqual(await probe(), { ready: false, reason: 'starting or stopping' });
    up = true;
    assert.deepEqual(await probe(), { ready: true });
    status = 'unhealthy';
    assert.deepEqual(await probe(), { ready: false, reason: 'a: file is gone' });
  });

  test('concurrent probes share one run of the checks', async () => {
    const health = new HealthChecks();
    let asked = 0;
    health.register('a', async () => {
      asked += 1;
      return { status: 'healthy' };
    });
    const probe = readinessProbe(() => true, health);
    await Promise.all(Array.from({ length: 100 }, probe));
    assert.equal(asked, 1);
    await probe();
    assert.equal(asked, 2);
  });
});
