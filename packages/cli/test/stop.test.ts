import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { connectLocal } from '@aico/client/local';
import { Aico, BIN, fixture } from './fixtures/aico.ts';

describe('aico stop', () => {
  test('a backend that hangs: 19 in time, without ending it; --force ends it, and the next start works', async (t) => {
    const aico = await Aico.create(t);
    const { ready, exited } = await aico.serve(['--plugin', fixture('stuck')]);
    await using client = connectLocal({ socketPath: ready.socket });
    await client.fetch('/api/v1/stuck');
    const asked = await aico.run(['stop', '--timeout', '0.3', '--json']);
    assert.equal(asked.code, 19, asked.stderr);
    assert.match(asked.stderr, /--force/);
    process.kill(ready.pid, 0);
    const forced = await aico.run(['stop', '--timeout', '0.3', '--force', '--json']);
    assert.equal(forced.code, 0, forced.stderr);
    assert.deepEqual(forced.json(), { stopped: true, pid: ready.pid, killed: true });
    assert.deepEqual(await exited, { code: null, signal: 'SIGKILL' });
    const again = await aico.serve();
    assert.equal((await aico.run(['stop'])).code, 0);
    assert.deepEqual(await again.exited, { code: 0, signal: null });
  });

  test('a process that reuses the id of a dead backend is never signalled', async (t) => {
    const aico = await Aico.create(t);
    const innocent = spawn(process.execPath, ['-e', 'process.stdin.resume()'], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    t.after(() => innocent.kill());
    await once(innocent, 'spawn');
    await mkdir(path.join(aico.home, 'data'), { recursive: true });
    const instance = { pid: innocent.pid, startedAt: '2020-01-01T00:00:00.000Z', socket: '-', http: '-' };
    await writeFile(path.join(aico.home, 'data', 'instance.json'), JSON.stringify(instance));
    for (const args of [['stop'], ['stop', '--force', '--timeout', '1']]) {
      const ran = await aico.run(args);
      assert.equal(ran.code, 20, ran.stderr);
      assert.match(ran.stderr, /hint: .*aico start/);
    }
    assert.equal(innocent.exitCode, null);
    assert.equal(innocent.signalCode, null);
  });

  test('a backend whose socket was removed is still stopped in order', {
    skip: process.platform !== 'linux',
  }, async (t) => {
    const aico = await Aico.create(t);
    const { exited, ready } = await aico.serve();
    await rm(ready.socket);
    const ran = await aico.run(['stop', '--json']);
    assert.equal(ran.code, 0, ran.stderr);
    assert.deepEqual(ran.json(), { stopped: true, pid: ready.pid, killed: false });
    assert.deepEqual(await exited, { code: 0, signal: null });
  });

  test('an invalid timeout: 2', async (t) => {
    const aico = await Aico.create(t);
    for (const timeout of ['0', '-1', 'soon', '3601']) {
      assert.equal((await aico.run(['stop', `--timeout=${timeout}`])).code, 2, timeout);
    }
  });
});

describe('aico start --detach', () => {
  test('the password for a detached start comes from a file, and is asked for nowhere else', async (t) => {
    const aico = await Aico.create(t);
    const file = path.join(aico.home, 'password');
    await writeFile(file, 'correct horse battery\n', { mode: 0o600 });
    const started = await aico.run(['start', '--detach', '--json', '--password-file', file]);
    assert.equal(started.code, 0, started.stderr);
    assert.equal((await aico.run(['stop'])).code, 0);
    const without = await aico.run(['start', '--detach', '--json']);
    assert.equal(without.code, 0, without.stderr);
    assert.equal((without.json() as { locked: boolean }).locked, true);
    assert.equal((await aico.run(['stop'])).code, 0);
    await writeFile(file, 'wrong horse battery\n');
    assert.equal((await aico.run(['start', '--detach', '--password-file', file])).code, 14);
    assert.equal((await aico.run(['start', '--password-file', `${file}-none`])).code, 2);
  });

  test('a detached start ends when its parent process goes away before it is ready', async (t) => {
    const aico = await Aico.create(t);
    const args = [BIN, 'start', '--ipc', '--home', aico.home, '--plugin', fixture('greeter')];
    const env = { PATH: process.env.PATH, AICO_CORE__API_GATEWAY__REST__PORT: '0' };
    const asked = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'ignore', 'ipc'], env });
    t.after(() => asked.kill('SIGKILL'));
    const exited = once(asked, 'exit');
    await once(asked, 'spawn');
    asked.disconnect();
    const [code, signal] = await exited;
    assert.ok(code === 0 || signal === 'SIGTERM', `exit code ${code}, signal ${signal}`);
    assert.equal((await aico.run(['status'])).code, 20);
  });
});
