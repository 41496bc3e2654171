import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cp, readFile, realpath, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { identityOf, isAlive } from '@aico/backend/process-identity';
import { createTestHome } from '@aico/backend/testing';
import { Aico, BIN, type Program } from './fixtures/aico.ts';

const OLDER_NODE: Program = [
  process.execPath,
  fileURLToPath(new URL('./fixtures/older-node.js', import.meta.url)),
];
const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));

/** The system's Node, if it is too old to run the project. */
const systemNode = ['/usr/bin/node', '/usr/local/bin/node'].find((node) => {
  const { stdout } = spawnSync(node, ['--version'], { encoding: 'utf8' });
  return /^v(1\d|2[0-3])\./.test(stdout ?? '');
});

describe('on a Node that is too old, the pinned one runs', () => {
  test('with the same arguments, input, output and exit code', async (t) => {
    const aico = await Aico.create(t, {}, OLDER_NODE);
    assert.equal((await aico.run(['config', 'get', 'environment'])).stdout, 'development\n');
    const refused = await aico.run(['status', '--json']);
    assert.equal(refused.code, 20);
    assert.equal(JSON.parse(refused.stderr).error.code, 'AICO_CLIENT_NOT_RUNNING');
    const made = await aico.run(
      ['security', 'setup', '--password-file', '-'],
      {},
      'seven green owls on a wire\n',
    );
    assert.equal(made.code, 0, made.stderr);
  });

  for (const [to, detached] of [
    ['this process alone, as kill does', false],
    ['the whole process group, as a terminal and systemd do', true],
  ] as const)
    test(`a signal to ${to} stops a backend in order, once`, async (t) => {
      const aico = await Aico.create(t, {}, OLDER_NODE);
      for (const signal of ['SIGTERM', 'SIGINT'] as const) {
        const { child, exited, ready, stderr } = await aico.serve([], {}, { detached });
        assert.notEqual(ready.pid, child.pid);
        process.kill(detached ? -(child.pid ?? 0) : (child.pid ?? 0), signal);
        assert.deepEqual(await exited, { code: 0, signal: null }, stderr());
        assert.match(stderr(), /"msg(?:age)?":"Stopping"|Stopping/);
      }
    });

  test('a second signal, or a forced end of either process, leaves nothing running', async (t) => {
    const aico = await Aico.create(t, {}, OLDER_NODE);
    const killed = await aico.serve();
    process.kill(killed.ready.pid, 'SIGKILL');
    assert.deepEqual(await killed.exited, { code: null, signal: 'SIGKILL' });
    const orphaned = await aico.serve();
    const backend = identityOf(orphaned.ready.pid);
    orphaned.child.kill('SIGKILL');
    await orphaned.exited;
    // It stops in order by itself; `aico stop` waits for it.
    await aico.run(['stop']);
    assert.equal((await aico.run(['status'])).code, 20);
    assert.ok(backend !== undefined && !isAlive(backend));
  });

  test('a backend in the background is the process that `aico stop` ends', async (t) => {
    const aico = await Aico.create(t, {}, OLDER_NODE);
    const started = await aico.run(['start', '--detach', '--json']);
    assert.equal(started.code, 0, started.stderr);
    const { pid } = started.json() as { pid: number };
    const stopped = await aico.run(['stop', '--json']);
    assert.deepEqual(stopped.json(), { stopped: true, pid, killed: false });
  });

  test('node_modules/.bin/aico under the Node of the system', {
    skip: systemNode === undefined && 'this machine has no older Node',
  }, () => {
    const { PATH: _path, ...env } = process.env;
    const run = (...command: [string, ...string[]]) =>
      execFileSync(command[0], [...command.slice(1), '--version'], {
        encoding: 'utf8',
        env: { ...env, PATH: path.dirname(systemNode ?? '') },
      });
    const version = /^\d+\.\d+\.\d+\n$/;
    assert.match(run(path.join(REPOSITORY, 'node_modules', '.bin', 'aico')), version);
    assert.match(run(systemNode ?? '', BIN), version);
  });
});

test('without a pinned Node, an older one prints a sentence that names what is missing', async (t) => {
  const folder = await createTestHome();
  t.after(() => folder.remove());
  const copy = path.join(await realpath(folder.folder), 'cli');
  await cp(path.join(REPOSITORY, 'packages', 'cli', 'bin'), path.join(copy, 'bin'), { recursive: true });
  await cp(path.join(REPOSITORY, 'packages', 'cli', 'src', 'launcher'), path.join(copy, 'src', 'launcher'), {
    recursive: true,
  });
  await writeFile(path.join(copy, 'package.json'), '{"type":"module"}');
  const bin = path.join(copy, 'bin', 'aico.js');
  await writeFile(bin, (await readFile(bin, 'utf8')).replace('OLDEST_NODE = 24', 'OLDEST_NODE = 99'));
  const { status, stderr } = spawnSync(process.execPath, [bin, 'status'], { encoding: 'utf8' });
  assert.equal(status, 2);
  assert.match(stderr, /^aico needs Node 99 or newer; this is Node \d+\.\d+\.\d+ \(.*\)\.\n.*\n$/);
});
