import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, type TestContext, test } from 'node:test';
import { BIN } from './fixtures/aico.ts';

async function folder(t: TestContext): Promise<string> {
  const made = await realpath(await mkdtemp(path.join(tmpdir(), 'aico-homes-')));
  t.after(() => rm(made, { recursive: true, force: true }));
  return made;
}

async function ended(child: ChildProcess) {
  assert.ok(child.stdout !== null && child.stderr !== null);
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  return { code, stdout, stderr };
}

/** Runs `aico` in `cwd` with only these variables. */
function aico(cwd: string, env: Readonly<Record<string, string>>, words: string) {
  const child = spawn(process.execPath, [BIN, ...words.split(' ')], {
    cwd,
    env: { PATH: process.env.PATH, AICO_CORE__API_GATEWAY__REST__PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return ended(child);
}

describe('the location of the home', { skip: process.platform === 'win32' }, () => {
  test('~ in AICO_HOME and --home is the home folder, and suggested commands name the home in full', async (t) => {
    const here = await folder(t);
    const me = path.join(here, 'my files');
    await mkdir(me);
    const started = await aico(here, { HOME: me, AICO_HOME: '~/aico' }, 'start --detach');
    assert.equal(started.code, 0, started.stderr);
    assert.ok(started.stdout.includes(`npx aico stop --home '${me}/aico'`), started.stdout);
    assert.equal((await aico(here, { HOME: me }, 'stop --home ~/aico')).code, 0);
    assert.deepEqual(await readdir(here), ['my files']);
    const relative = await aico(me, { HOME: '/nowhere' }, 'security setup --key-file --home aico2');
    assert.ok(relative.stdout.includes(path.join(me, 'aico2', 'config', 'aico.key')), relative.stdout);
  });

  test('an empty or relative HOME puts nothing below the current folder', async (t) => {
    const here = await folder(t);
    for (const HOME of ['', 'relative']) {
      const env = {
        HOME,
        XDG_CONFIG_HOME: 'x',
        XDG_DATA_HOME: '',
        XDG_STATE_HOME: './y',
        XDG_CACHE_HOME: '',
      };
      const listed = await aico(here, env, 'config list');
      assert.equal(listed.code, 0, listed.stderr);
      await aico(here, env, 'status');
    }
    assert.deepEqual(await readdir(here), []);
  });

  test('an unusable home is reported by every command with a message and a hint, without a stack', async (t) => {
    const here = await folder(t);
    await writeFile(path.join(here, 'file'), 'mine');
    const closed = path.join(here, 'closed');
    await mkdir(path.join(closed, 'config', 'remotes', 'desk.json'), { recursive: true });
    await mkdir(path.join(closed, 'data', 'key-slots.json'), { recursive: true });
    await mkdir(path.join(closed, 'config', 'config.yaml'), { recursive: true });
    await chmod(closed, 0o700);
    for (const home of [path.join(here, 'file'), '/dev/null/x', '~no-such-user/x', closed])
      for (const words of [
        'start',
        'start --detach',
        'stop',
        'status',
        'config get environment',
        'config validate',
        'security status',
        'security passwd',
        'db backup there',
        'db restore here --yes',
        'device joined',
        'status --via desk',
        'plugin add ./greeter.ts',
        'plugin remove greeter',
        'nonsense',
      ]) {
        const { code, stderr } = await aico(here, { AICO_HOME: home, HOME: here }, words);
        const said = `${home}: ${words}: ${code} ${stderr}`;
        assert.doesNotMatch(stderr, /\n\s+at /, said);
        if (code !== 0) assert.match(stderr, /^error: .*\n(.*\n)*?hint: .*\n(.*\n)*?code: AICO_/, said);
      }
    assert.deepEqual((await readdir(here)).filter((name) => name !== '.cache').sort(), ['closed', 'file']);
  });
});
