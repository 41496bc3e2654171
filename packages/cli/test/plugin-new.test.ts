/** `aico plugin new`: the packages that it creates, and its refusals. The template has its own tests. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, copyFile, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Output } from '@aico/backend/plugin';
import { whyNotPluginName } from '@aico/backend/plugin-names';
import { createTestBackend, createTestHome, type TestHome } from '@aico/backend/testing';
import { newPlugin } from '../src/commands/plugin-new.ts';
import type { CommandContext } from '../src/context.ts';
import { makePlugin } from '../src/plugins/scaffold.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const TEMPLATE = path.join(ROOT, 'packages/cli/template');

let work: TestHome;
before(async () => {
  work = await createTestHome();
});
after(() => work.remove());

const inWork = (...names: readonly string[]): string => path.join(work.folder, ...names);

describe('a new plugin', () => {
  // The shortest name, the longest, and one of which the names of tables differ.
  const names = ['n', 'n'.repeat(40), 'word-counter_2'];
  before(async () => {
    await mkdir(inWork('named'));
    // A project around them: they take its configuration of the linter.
    await copyFile(path.join(TEMPLATE, '_biome.json'), inWork('named/biome.json'));
    for (const name of names) await makePlugin(name, inWork('named', name));
  });

  test('runs under any valid name', async () => {
    await using backend = await createTestBackend({ plugins: names.map((name) => inWork('named', name)) });
    for (const name of names) {
      const place = `/api/v1/${name}`;
      const added = await backend.request(place, { method: 'POST', body: { text: 'one' } });
      assert.equal(added.status, 200, added.text);
      assert.equal(backend.container.stateOf(name).kind, 'running');
    }
    const views = backend.plugins.map(({ definition: { name, version } }) => [name, version]);
    assert.deepEqual(
      views,
      names.map((name) => [name, '0.1.0']),
    );
  });

  test('is formatted and passes the lint, for names of any length', () => {
    const biome = path.join(ROOT, 'node_modules/@biomejs/biome/bin/biome');
    const args = [biome, 'check', '--error-on-warnings', '.'];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: inWork('named'),
      encoding: 'utf8',
    });
    assert.equal(status, 0, stdout + stderr);
    assert.match(stdout, /Checked [3-9]\d files/);
  });

  test("has a linter configuration and a .gitignore, and no trace of the template's name", async () => {
    const files = await makePlugin('notes', inWork('alone'));
    assert.ok(files.includes('biome.json') && files.includes('.gitignore'));
    for (const file of files)
      assert.doesNotMatch(await readFile(inWork('alone', file), 'utf8'), /sample[-_]plugin/);
    assert.equal((await stat(inWork('alone'))).mode & 0o777, 0o777 & ~process.umask());
  });

  test('depends on the tools of this workspace, and on the packages beside this command', async () => {
    const manifestIn = async (folder: string) =>
      JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8')) as {
        readonly version: string;
        readonly peerDependencies: Readonly<Record<string, string>>;
        readonly devDependencies: Readonly<Record<string, string>>;
      };
    const [workspace, backend, made] = await Promise.all(
      [ROOT, path.join(ROOT, 'packages/backend'), inWork('alone')].map(manifestIn),
    );
    const {
      '@aico/backend': library = '',
      '@aico/cli': command = '',
      ...tools
    } = made?.devDependencies ?? {};
    for (const [name, range] of Object.entries(tools))
      assert.equal(range, workspace?.devDependencies[name], name);
    assert.deepEqual(made?.peerDependencies, { '@aico/backend': `^${backend?.version}` });
    for (const [specification, folder] of [
      [library, 'packages/backend'],
      [command, 'packages/cli'],
    ] as const) {
      assert.match(specification, /^file:\.\.\//);
      assert.equal(
        path.resolve(inWork('alone'), specification.slice('file:'.length)),
        path.join(ROOT, folder),
      );
    }
  });
});

describe('the folder of a new plugin', () => {
  test('may exist if it is empty, and is not replaced', async () => {
    await mkdir(inWork('empty'));
    const { ino } = await stat(inWork('empty'));
    await makePlugin('notes', inWork('empty'));
    assert.equal((await stat(inWork('empty'))).ino, ino);
    assert.ok((await readdir(inWork('empty'))).includes('package.json'));
  });

  test('is refused if it is not empty or is a file, and is not changed', async () => {
    await mkdir(inWork('full'));
    await writeFile(inWork('full/mine'), 'mine');
    for (const place of ['full', 'full/mine'])
      await assert.rejects(makePlugin('notes', inWork(place)), { code: 'AICO_CLI_FOLDER_IN_USE' });
    assert.deepEqual(await readdir(inWork('full')), ['mine']);
    assert.equal(await readFile(inWork('full/mine'), 'utf8'), 'mine');
  });

  test('leaves nothing behind if it cannot be created', async () => {
    await writeFile(inWork('file'), '');
    await assert.rejects(makePlugin('notes', inWork('file/below/notes')), { code: 'AICO_CLI_FOLDER_IN_USE' });
    const before = await readdir(work.folder);
    // A name that is too long for the system, below folders that are made for it.
    await assert.rejects(makePlugin('notes', inWork('new/folders', 'x'.repeat(300))), {
      code: 'AICO_CLI_PLUGIN_NOT_MADE',
    });
    assert.deepEqual(await readdir(work.folder), before);
  });

  test('is refused where the user may not write', { skip: process.geteuid?.() === 0 }, async () => {
    await mkdir(inWork('closed'));
    await chmod(inWork('closed'), 0o500);
    await assert.rejects(makePlugin('notes', inWork('closed/notes')), { code: 'AICO_CLI_PLUGIN_NOT_MADE' });
    assert.deepEqual(await readdir(inWork('closed')), []);
  });
});

describe('the name of a new plugin', () => {
  const output: Output = { json: false, print() {}, note() {}, progress: () => ({ update() {}, stop() {} }) };
  const refused = async (name: string): Promise<void> => {
    const folder = inWork('never');
    // The command uses its output only.
    const made = newPlugin({ output } as CommandContext, name, { folder }, ['help', 'start']);
    await assert.rejects(made, { code: 'AICO_CLI_USAGE' }, name);
  };

  test('is refused if the plugin could not be loaded, or could not have commands or tables', async () => {
    for (const name of ['', 'Notes', 'x-', 'a--b', '1st', 'ä', 'a b', '../a', 'constructor', 'prototype'])
      await refused(name);
    for (const name of [
      'system',
      'health',
      'core',
      'aico_x',
      'start',
      'help',
      'sqlite',
      'sqlite-notes',
      'n'.repeat(41),
    ])
      await refused(name);
    assert.ok(!(await readdir(work.folder)).includes('never'));
  });

  test('is refused if a service, a path of the API or a capability of the backend has it', async () => {
    await using backend = await createTestBackend();
    const { paths } = (await backend.request('/api/v1/openapi')).json() as { readonly paths: object };
    const places = Object.keys(paths).flatMap((each) => /^\/api\/v1\/([^/]+)/.exec(each)?.[1] ?? []);
    const owners = backend.container
      .getService('plugins')
      .capabilities.flatMap((capability) => capability.split(':')[0] ?? []);
    const taken = new Set([...backend.container.names, ...places, ...owners]);
    assert.ok(taken.size > 20, [...taken].join());
    for (const name of taken)
      assert.match(whyNotPluginName(name) ?? `${name} can be taken`, /of the backend/);
    assert.equal(whyNotPluginName('notes'), undefined);
  });
});
