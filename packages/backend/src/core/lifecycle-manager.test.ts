import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ExitCode } from '@aico/protocol';
import { createLogging } from '@aico/shared/core/logging';
import { withPlugin } from '@aico/shared/core/tracing';
import { fixture, Journal } from '../../test/fixtures/journal.ts';
import { ContainerStateError, ServiceStartError, StartCancelledError } from './container/errors.ts';
import { ServiceContainer } from './container/service-container.ts';
import { BackendLifecycleManager, type LifecycleOptions } from './lifecycle-manager.ts';

const a = fixture('a');
const never = (): Promise<never> => new Promise(() => undefined);

/** Stands in for the process: its signals can be sent, and its end awaited. */
class FakeProcess extends EventEmitter {
  readonly codes: number[] = [];
  readonly #left = Promise.withResolvers<number>();

  get left(): Promise<number> {
    return this.#left.promise;
  }

  exit(code: number): void {
    this.codes.push(code);
    this.#left.resolve(code);
  }

  readonly calls: string[] = [];

  reallyExit = (code: number): void => void this.calls.push(`exit ${code}`);
  abort = (): void => void this.calls.push('abort');
  kill = (pid: number, signal?: string | number): void => void this.calls.push(`kill ${pid} ${signal}`);
}

function setUp(options: Omit<LifecycleOptions, 'container'> = {}) {
  const container = new ServiceContainer({ onEvent: () => undefined });
  const lifecycle = new BackendLifecycleManager({ container, ...options });
  const process = new FakeProcess();
  const journal = new Journal();
  return { container, lifecycle, process, journal };
}

describe('start and stop', () => {
  test('it is ready when every required service runs, until a stop begins', async () => {
    const { container, lifecycle, journal } = setUp();
    container.registerService(a, () => journal.service('a'));
    assert.equal(lifecycle.state.kind, 'idle');
    const started = lifecycle.start();
    assert.equal(lifecycle.state.kind, 'starting');
    assert.equal(lifecycle.ready, false);
    await started;
    assert.equal(lifecycle.ready, true);
    lifecycle.beforeDrain(() => {
      journal.lines.push(`hook ready=${lifecycle.ready} ${container.stateOf(a).kind}`);
    });
    const stopped = lifecycle.stop('test');
    assert.equal(lifecycle.ready, false);
    const ending = await stopped;
    assert.deepEqual(journal.lines, ['initialize a', 'start a', 'hook ready=false running', 'stop a']);
    assert.equal(ending.exitCode, ExitCode.ok);
    assert.equal(ending.reason, 'test');
    assert.equal(await lifecycle.ended, ending);
    assert.equal(lifecycle.state, ending);
  });

  test('concurrent calls share one start or stop', async () => {
    const { container, lifecycle, journal } = setUp();
    container.registerService(a, () => journal.service('a'));
    assert.equal(lifecycle.start(), lifecycle.start());
    await lifecycle.start();
    assert.equal(lifecycle.stop('one'), lifecycle.stop('two'));
    assert.equal((await lifecycle.stop('three')).reason, 'one');
    assert.deepEqual(journal.lines, ['initialize a', 'start a', 'stop a']);
  });

  test('it cannot be started again after a stop', async () => {
    const { lifecycle } = setUp();
    assert.equal((await lifecycle.stop('never started')).exitCode, ExitCode.ok);
    await assert.rejects(lifecycle.start(), ContainerStateError);
  });

  test('a failed start rejects for its caller', async () => {
    const { container, lifecycle } = setUp();
    container.registerService(a, () => ({ start: () => Promise.reject(new Error('boom')) }));
    await assert.rejects(lifecycle.start(), ServiceStartError);
    assert.equal(lifecycle.state.kind, 'failed');
    assert.equal(lifecycle.ready, false);
  });

  test('a stop during the start cancels it, and it never becomes ready', async () => {
    const { container, lifecycle } = setUp();
    container.registerService(a, () => ({
      start: (signal: AbortSignal) =>
        new Promise<void>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    }));
    const refused = assert.rejects(lifecycle.start(), StartCancelledError);
    const ending = await lifecycle.stop('SIGTERM');
    await refused;
    assert.equal(ending.exitCode, ExitCode.ok);
    assert.equal(lifecycle.state.kind, 'stopped');
  });

  test('a service and a hook that hang delay the stop no longer than the budget', async () => {
    const { container, lifecycle } = setUp({ stopBudgetMs: 60 });
    container.registerService(a, () => ({ stop: never }));
    await lifecycle.start();
    lifecycle.beforeDrain(never);
    const removed = lifecycle.beforeDrain(() => assert.fail('was taken away'));
    removed();
    const beganAt = performance.now();
    const { exitCode, report } = await lifecycle.stop('test');
    assert.ok(performance.now() - beganAt < 500);
    assert.equal(exitCode, ExitCode.stopTimeout);
    assert.ok(report.timedOut);
  });

  test('afterStop hooks run before the process exits', async () => {
    const { container, lifecycle, journal, process } = setUp();
    container.registerService(a, () => journal.service('a'));
    lifecycle.handleProcess(process);
    lifecycle.afterStop(async () => {
      await new Promise((resolve) => setImmediate(resolve));
      journal.lines.push(`lock, left ${process.codes.length} times`);
    });
    lifecycle.afterStop(() => Promise.reject(new Error('boom')));
    lifecycle.afterStop(() => journal.lines.push('log'));
    await lifecycle.start();
    process.emit('SIGTERM');
    assert.equal(await process.left, ExitCode.ok);
    assert.deepEqual(journal.lines.slice(2), ['stop a', 'log', 'lock, left 0 times']);
  });

  test('a hook or a service that throws does not prevent the stop', async () => {
    const { container, lifecycle } = setUp();
    container.registerService(a, () => ({ stop: () => Promise.reject(new Error('boom')) }));
    await lifecycle.start();
    lifecycle.beforeDrain(() => {
      throw new Error('boom');
    });
    assert.equal((await lifecycle.stop('test')).exitCode, ExitCode.failure);
  });
});

describe('signals and uncaught errors', () => {
  test('the first signal drains and exits with 0', async () => {
    const { container, lifecycle, process, journal } = setUp();
    container.registerService(a, () => journal.service('a'));
    lifecycle.handleProcess(process);
    await lifecycle.start();
    process.emit('SIGTERM');
    assert.equal(lifecycle.ready, false);
    assert.equal(await process.left, 0);
    assert.deepEqual(journal.of('stop'), ['a']);
  });

  test('after the first signal the next one is left to the system, even if other code listens', async () => {
    const { container, lifecycle, process } = setUp({ stopBudgetMs: 30 });
    container.registerService(a, () => ({ stop: never }));
    lifecycle.handleProcess(process);
    process.on('SIGTERM', () => undefined);
    await lifecycle.start();
    process.emit('SIGTERM');
    assert.deepEqual([process.listenerCount('SIGTERM'), process.listenerCount('SIGINT')], [0, 0]);
    await lifecycle.ended;
  });

  for (const event of ['uncaughtException', 'unhandledRejection']) {
    test(`${event}: one orderly attempt, then 70`, async () => {
      const { container, lifecycle, process, journal } = setUp();
      container.registerService(a, () => journal.service('a'));
      lifecycle.handleProcess(process);
      await lifecycle.start();
      process.emit(event, new Error('boom'));
      assert.equal(lifecycle.ready, false);
      assert.equal(await process.left, ExitCode.crash);
      assert.deepEqual(journal.of('stop'), ['a']);
    });
  }

  test('a second error during the attempt exits at once', async () => {
    const { container, lifecycle, process } = setUp({ crashBudgetMs: 30 });
    container.registerService(a, () => ({ stop: never }));
    lifecycle.handleProcess(process);
    await lifecycle.start();
    process.emit('uncaughtException', new Error('one'));
    process.emit('uncaughtException', new Error('two'));
    assert.deepEqual(process.codes, [70]);
    await lifecycle.ended;
  });

  test('an error during a drain shortens it, and decides the exit code', async () => {
    const { container, lifecycle, process } = setUp({ crashBudgetMs: 20, stopBudgetMs: 60_000 });
    container.registerService(a, () => ({ stop: never }), { stopTimeoutMs: 50 });
    for (let index = 0; index < 50; index += 1) {
      container.registerService(fixture(`${index}`), () => ({ stop: never }), { stopTimeoutMs: 50 });
    }
    lifecycle.handleProcess(process);
    await lifecycle.start();
    const beganAt = performance.now();
    process.emit('SIGTERM');
    process.emit('uncaughtException', new Error('boom'));
    assert.equal(await process.left, 70);
    assert.ok(performance.now() - beganAt < 1_000);
    await lifecycle.ended;
    assert.deepEqual(process.codes, [70]);
  });

  test('SIGHUP stops it in order, like any signal', async () => {
    const { lifecycle, process } = setUp();
    lifecycle.handleProcess(process, { ignoresHangup: false });
    await lifecycle.start();
    process.emit('SIGHUP');
    assert.equal(await process.left, ExitCode.ok);
    assert.equal((await lifecycle.ended).reason, 'SIGHUP');
  });

  test('SIGHUP is ignored if it was ignored at the start, also during a stop', async () => {
    const { lifecycle, process } = setUp();
    lifecycle.handleProcess(process, { ignoresHangup: true });
    await lifecycle.start();
    process.emit('SIGHUP');
    assert.equal(lifecycle.ready, true);
    process.emit('SIGTERM');
    assert.equal(process.listenerCount('SIGHUP'), 1);
    assert.equal(await process.left, ExitCode.ok);
    assert.equal((await lifecycle.ended).reason, 'SIGTERM');
  });

  test('the handlers can be removed', () => {
    const { lifecycle, process } = setUp();
    const { kill } = process;
    lifecycle.handleProcess(process)();
    assert.deepEqual(process.eventNames(), []);
    assert.equal(process.kill, kill);
  });

  test('each call by which code ends its process is logged before, with the plugin and the caller', () => {
    const logging = createLogging({ console: { enabled: false } });
    const { lifecycle, process } = setUp({ logger: logging.getLogger('backend', 'lifecycle') });
    lifecycle.handleProcess(process);
    process.on('SIGUSR2', () => undefined);
    const { pid } = globalThis.process;
    const harmless: (() => void)[] = [
      () => process.kill(pid, 0),
      () => process.kill(pid, 'SIGUSR2'),
      () => process.kill(pid, 'SIGWINCH'),
      () => process.kill(pid, 'SIGNOTHING'),
      () => process.kill(pid + 1, 'SIGKILL'),
    ];
    const ending: [string, () => void][] = [
      ['process.exit(3)', () => process.reallyExit(3)],
      ['process.abort()', () => process.abort()],
      [`process.kill(${pid}, 'SIGTERM')`, () => process.kill(pid)],
      [`process.kill(${pid}, 'SIGKILL')`, () => process.kill(pid, 9)],
      ["process.kill(0, 'SIGINT')", () => process.kill(0, 'SIGINT')],
    ];
    for (const act of harmless) act();
    assert.equal(logging.stats.lines, 0);
    withPlugin('unruly', () => {
      for (const [, act] of ending) act();
    });
    process.abort();
    const lines = [...logging.queue.waiting(0, Infinity)].map(({ record }) => record);
    assert.deepEqual(
      lines.map(({ level, message }) => `${level} ${message}`),
      [
        ...ending.map(([call]) => `fatal Plugin "unruly" ends the process by ${call}`),
        'fatal Code of the process ends it by process.abort()',
      ],
    );
    for (const { fields } of lines) assert.match(JSON.stringify(fields.error), /lifecycle-manager\.test/);
    assert.equal(process.calls.length, harmless.length + ending.length + 1, 'each call was passed on');
  });
});

describe('a real process', () => {
  const program = fileURLToPath(new URL('../../test/fixtures/stopping-process.ts', import.meta.url));

  async function run(mode: string, act: (child: ReturnType<typeof spawn>) => void) {
    const child = spawn(process.execPath, [program, mode], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let acted = false;
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (!acted && output.includes('ready')) {
        acted = true;
        act(child);
      }
    });
    const [code, signal] = await once(child, 'close');
    return { code, signal, output };
  }

  test('SIGTERM: it finishes and exits with 0', async () => {
    const { code, output } = await run('well', (child) => child.kill('SIGTERM'));
    assert.equal(code, 0);
    assert.match(output, /ready\nstopped b\nstopped a\n/);
  });

  test('a stop that hangs is over within the budget, with 19', async () => {
    const { code } = await run('hang', (child) => child.kill('SIGINT'));
    assert.equal(code, ExitCode.stopTimeout);
  });

  test('a stop that hangs is over within the budget even when a thread never returns', async () => {
    const { code } = await run('endless-thread', (child) => child.kill('SIGTERM'));
    assert.equal(code, ExitCode.stopTimeout);
  });

  test('a second signal exits at once, even if the event loop is blocked', async () => {
    const { signal } = await run('stubborn', (child) => {
      child.kill('SIGTERM');
      child.stdout?.on('data', (text: string) => {
        if (text.includes('stopping')) child.kill('SIGINT');
      });
    });
    assert.equal(signal, 'SIGINT');
  });

  test('SIGUSR1 opens no inspector', async () => {
    const { code, output } = await run('well', (child) => {
      child.kill('SIGUSR1');
      child.kill('SIGTERM');
    });
    assert.equal(code, 0);
    assert.doesNotMatch(output, /Debugger listening/);
  });

  test('an uncaught error stops it in order, with 70', async () => {
    const { code, output } = await run('crash', () => undefined);
    assert.equal(code, ExitCode.crash);
    // Between the two lines there may be one of standard error.
    assert.match(output, /stopped b\n[\s\S]*stopped a\n/);
  });

  test('so does an error of a thread without a listener for it, and is told', async () => {
    const { code, output } = await run('worker-crash', () => undefined);
    assert.equal(code, ExitCode.crash);
    assert.match(output, /not caught in a thread/);
    assert.match(output, /stopped a\n/);
  });

  test('process.exit() calls the listeners of exit once, and ends it with its code, whatever a thread does', async () => {
    const { code, output } = await run('exit', () => undefined);
    assert.equal(code, 3);
    assert.match(output, /left 3\n/);
    assert.doesNotMatch(output, /left[\s\S]*left|stopped/);
  });

  test('an unhandled rejection does so too', async () => {
    const { code, output } = await run('reject', () => undefined);
    assert.equal(code, ExitCode.crash);
    assert.match(output, /stopped a\n/);
  });
});
