/** Plugins that are found, enabled, disabled and reloaded, with a running backend and without one. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { Aico } from './fixtures/aico.ts';

interface Listed {
  readonly plugins: readonly { readonly name: string; readonly state: string; readonly version: string }[];
  readonly found: readonly { readonly name: string; readonly version: string }[];
}

const FOUND = '@anna/aico-plugin-notes';

/** A plugin without imports; `code` runs while its module is loaded. */
const plugin = (name: string, code = '', start = ''): string =>
  `${code}\nexport const plugin = { name: '${name}', start() { ${start} } };\n`;

/** The files of the home, by their paths. */
const FILES: Readonly<Record<string, string>> = {
  'plugins/inside.mjs': plugin('inside'),
  'plugins/broken.mjs': plugin('broken', '', "throw new Error('it does not start')"),
  'config/config.yaml':
    '# mine\nplugins:\n  broken:\n    enabled: false # for now\n  nothing:\n    required: false\n',
  'plugins/nothing/notes.txt': 'This folder has no code.',
  'plugins/tuned.mjs': `import { Type } from '@aico/backend/plugin';
    const config = Type.Object({ longest: Type.Integer({ default: 7 }) });
    export const plugin = { name: 'tuned', config, start() {} };`,
  'config/package.json': JSON.stringify({ dependencies: { [FOUND]: '*', unrelated: '*', missing: '*' } }),
  ...packageOf(FOUND, { keywords: ['aico-plugin'], version: '2.0.0' }, 'notes'),
  ...packageOf('unrelated', {}, 'unrelated'),
  // Brought by another package: the project does not depend on it.
  ...packageOf('brought', { keywords: ['aico-plugin'] }, 'brought'),
};

function packageOf(name: string, fields: object, called: string): Readonly<Record<string, string>> {
  const folder = `config/node_modules/${name}`;
  return {
    [`${folder}/package.json`]: JSON.stringify({ name, type: 'module', exports: './index.js', ...fields }),
    [`${folder}/index.js`]: plugin(
      called,
      `import { writeFileSync } from 'node:fs'; writeFileSync(new URL('./has-run', import.meta.url), '');`,
    ),
  };
}

test('a plugin is found, enabled, reloaded and disabled', async (t) => {
  const aico = await Aico.create(t);
  const place = (name: string): string => path.join(aico.home, name);
  for (const [name, text] of Object.entries(FILES)) {
    await mkdir(path.dirname(place(name)), { recursive: true });
    await writeFile(place(name), text);
  }
  const config = (): Promise<string> => readFile(place('config/config.yaml'), 'utf8');
  const hasRun = (): boolean => existsSync(place(`config/node_modules/${FOUND}/has-run`));
  const listed = async () => {
    const { plugins, found } = (await aico.run(['plugin', 'list', '--json'])).json() as Listed;
    const states = plugins.map(({ name, state }) => [name, state] as const);
    return { states: Object.fromEntries(states), found: found.map(({ name, version }) => [name, version]) };
  };
  const succeed = async (...args: readonly string[]) => {
    const ran = await aico.run(['plugin', ...args]);
    assert.equal(ran.code, 0, ran.stderr);
    return ran.stdout;
  };

  await t.test('a package is found by its keyword, without running its code', async () => {
    assert.deepEqual(await listed(), {
      states: { broken: 'disabled', inside: 'stopped', nothing: 'not found', tuned: 'stopped' },
      found: [[FOUND, '2.0.0']],
    });
    assert.match(await succeed('info', 'notes'), /2\.0\.0/);
    assert.ok(!hasRun());
  });

  await t.test(
    'the configuration of a plugin is shown with the defaults that its code declares',
    async () => {
      assert.equal((await aico.run(['config', 'get', 'plugins.tuned.longest'])).stdout, '7\n');
      for (const command of [['get', 'plugins.tuned'], ['list']])
        assert.match((await aico.run(['config', ...command])).stdout, /plugins\.tuned\.longest +7 +default/);
    },
  );

  await t.test('a home that is a file is named as such by every command', async () => {
    for (const command of ['status', 'plugin list', 'security status', 'config list', 'stop']) {
      const ran = await aico.run([...command.split(' '), '--home', place('config/config.yaml')]);
      assert.match(
        ran.stderr,
        /config\.yaml: a file stands where a folder should be[\s\S]*AICO_PATHS_NOT_FOLDER/,
        command,
      );
      assert.equal(ran.code, 11);
    }
  });

  await t.test('without a running backend, a plugin is enabled from the next start', async () => {
    assert.match(await succeed('enable', 'notes'), /notes is enabled from the next start on/);
    assert.ok(hasRun());
    assert.match(await config(), /notes:\n +module: .*aico-plugin-notes/);
    assert.deepEqual((await listed()).found, []);
    const overruled = await aico.run(['plugin', 'disable', 'inside'], {
      AICO_PLUGINS__INSIDE__ENABLED: 'true',
    });
    assert.equal(overruled.code, 1);
    assert.match(overruled.stderr, /is set by environment variable AICO_PLUGINS__INSIDE__ENABLED/);
    assert.doesNotMatch(await config(), /inside/);
  });

  const { exited } = await aico.serve();

  await t.test('with a running backend, a plugin is enabled at once and for every start', async () => {
    assert.deepEqual((await listed()).states, {
      inside: 'running',
      notes: 'running',
      tuned: 'running',
      nothing: 'not loaded',
      broken: 'disabled',
    });
    assert.match(await succeed('disable', 'inside'), /disabled, now and at every start/);
    assert.equal((await listed()).states.inside, 'disabled');
    assert.match(await config(), /inside:\n +enabled: false/);
    assert.match(await succeed('enable', 'inside'), /enabled, now and at every start: .*running/);
    assert.doesNotMatch(await config(), /inside/);
  });

  await t.test(
    'a plugin that was added after the start is listed, described, and enabled at once',
    async () => {
      await writeFile(place('added.mjs'), plugin('added'));
      await succeed('add', place('added.mjs'));
      assert.equal((await listed()).states.added, 'stopped');
      assert.match(await succeed('info', 'added'), /stopped/);
      assert.match(await succeed('enable', 'added'), /enabled, now and at every start: .*running/);
    },
  );

  await t.test(
    'a plugin that does not start remains disabled in the configuration, and the reason is reported',
    async () => {
      const before = await config();
      const failed = await aico.run(['plugin', 'enable', 'broken']);
      assert.notEqual(failed.code, 0);
      assert.match(failed.stderr, /it does not start/);
      assert.equal(await config(), before);
    },
  );

  await t.test('a reload loads changed code', async () => {
    await writeFile(
      place('plugins/inside.mjs'),
      "export const plugin = { name: 'inside', version: '9.9.9', start() {} };\n",
    );
    assert.match(await succeed('reload', 'inside'), /inside 9\.9\.9 was reloaded: .*running/);
    assert.match(await succeed('info', 'inside'), /loads +3/);
  });

  await t.test('an unknown name is answered with the nearest one', async () => {
    for (const command of ['info', 'enable', 'disable', 'reload', 'remove']) {
      const { stderr } = await aico.run(['plugin', command, 'insid']);
      assert.match(
        stderr,
        /there is no plugin "insid"[\s\S]*Did you mean "inside"\?[\s\S]*AICO_PLUGIN_UNKNOWN/,
        command,
      );
    }
  });

  assert.equal((await aico.run(['stop'])).code, 0);
  await exited;
});
