/** A backend in the foreground whose console closes, blocks or is a terminal. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, watch } from 'node:fs/promises';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { Aico } from './fixtures/aico.ts';

const isWindows = process.platform === 'win32';

/** The instance file of a backend, which exists while the backend is ready. */
const instanceFile = (aico: Aico): string => path.join(aico.home, 'data', 'instance.json');

/** Resolves with the process id of the backend once it is ready. */
async function whenReady(aico: Aico): Promise<number> {
  const file = instanceFile(aico);
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  for await (const _change of watch(path.dirname(file))) if (existsSync(file)) break;
  return (JSON.parse(readFileSync(file, 'utf8')) as { pid: number }).pid;
}

/** Stops the backend that a shell runs, and checks that it stops in order. */
async function assertStops(aico: Aico, shell: ChildProcess, pid: number): Promise<void> {
  const exited = once(shell, 'exit');
  process.kill(pid, 'SIGTERM');
  await exited;
  assert.equal(existsSync(instanceFile(aico)), false);
}

describe('a failing console is closed, and the backend continues', { skip: isWindows }, () => {
  for (const [what, command] of [
    ['a pipe whose reader has left', '$AICO start 2>&1 | head -n 1'],
    ['a pipe for lines whose reader has left', '$AICO start 2> >(head -n 1) >/dev/null'],
    ['a device without room', '$AICO start >/dev/full 2>&1'],
    ['descriptors that are closed', '$AICO start >&- 2>&-'],
  ] as const)
    test(what, async (t) => {
      const aico = await Aico.create(t);
      const shell = aico.shell(command);
      shell.stdout?.resume();
      shell.stderr?.resume();
      const pid = await whenReady(aico);
      const { stdout } = await aico.run(['logs', 'tail', '--service', 'logging']);
      // Node reopens closed descriptors on /dev/null, which accepts all output.
      const told = command.includes('&-') ? 0 : 1;
      assert.equal(stdout.match(/console cannot be written/g)?.length ?? 0, told, stdout);
      await assertStops(aico, shell, pid);
    });

  test('a command whose output device is full reports it and exits with 22', async (t) => {
    const aico = await Aico.create(t);
    const shell = aico.shell('$AICO plugin list --help >/dev/full');
    assert.ok(shell.stderr !== null);
    const [stderr, [code]] = await Promise.all([text(shell.stderr), once(shell, 'exit')]);
    assert.equal(code, 22, stderr);
    assert.match(stderr, /^error: .*\n(hint: .*\n)?code: AICO_SYSTEM_/);
  });
});

describe('SIGHUP', { skip: isWindows }, () => {
  test('stops a backend in order', async (t) => {
    const aico = await Aico.create(t);
    const { exited, ready } = await aico.serve();
    process.kill(ready.pid, 'SIGHUP');
    assert.deepEqual(await exited, { code: 0, signal: null });
  });

  for (const [what, command] of [
    ['nohup', 'nohup $AICO start'],
    ['nohup in the background', 'nohup $AICO start & wait'],
    ['a shell that ignores it', `trap '' HUP; $AICO start & wait`],
  ] as const)
    test(`is ignored under ${what}, and SIGTERM is not`, async (t) => {
      const aico = await Aico.create(t);
      const shell = aico.shell(command);
      shell.stdout?.resume();
      shell.stderr?.resume();
      const pid = await whenReady(aico);
      for (let n = 0; n < 3; n += 1) process.kill(pid, 'SIGHUP');
      assert.equal((await aico.run(['status'])).code, 0);
      await assertStops(aico, shell, pid);
    });
});

describe('on a terminal', { skip: !hasScript() }, () => {
  async function onTerminal(aico: Aico, environment: string): Promise<string> {
    const shell = aico.shell('script -qec "$AICO start" /dev/null </dev/null', {
      AICO_ENVIRONMENT: environment,
      AICO_CORE__SECURITY__PASSWORD: 'correct horse battery',
      TERM: 'xterm-256color',
    });
    assert.ok(shell.stdout !== null);
    const shown = text(shell.stdout);
    await assertStops(aico, shell, await whenReady(aico));
    return shown;
  }

  test('lines are coloured text in development, and a stop prints its duration', async (t) => {
    const shown = await onTerminal(await Aico.create(t), 'development');
    assert.match(shown, /\d\d:\d\d:\d\d\.\d{3}.*info .*gateway\/http.*: Gateway listens/);
    assert.ok(shown.includes('\u001b[32m'));
    assert.doesNotMatch(shown, /\{"level"/);
    assert.match(shown, /AICO has stopped \(SIGTERM\) after \d+\.\d s/);
  });

  test('lines are JSON in production', async (t) => {
    const shown = await onTerminal(await Aico.create(t), 'production');
    assert.match(shown, /\{"level":"info",.*"msg":"Gateway listens"\}/);
  });

  test('closing the terminal stops the backend in order', async (t) => {
    const aico = await Aico.create(t);
    const shell = aico.shell('exec script -qec "$AICO start" /dev/null </dev/null');
    shell.stdout?.resume();
    await whenReady(aico);
    const changes = watch(path.dirname(instanceFile(aico)));
    shell.kill('SIGKILL');
    for await (const _change of changes) if (!existsSync(instanceFile(aico))) break;
  });
});

/** Whether script(1) of util-linux is installed, which runs a command on a terminal. */
function hasScript(): boolean {
  try {
    return execFileSync('script', ['--version'], { stdio: ['ignore', 'pipe', 'ignore'] }).includes(
      'util-linux',
    );
  } catch {
    return false;
  }
}
