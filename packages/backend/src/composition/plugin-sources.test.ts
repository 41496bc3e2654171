import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { ConfigurationManager } from '@aico/shared/core/config';
import { AICOPaths } from '@aico/shared/core/paths';
import { findPlugin, packageOf, pluginEntry } from '../core/plugin/plugin-module.ts';
import { type PluginSource, pluginSources } from './plugin-sources.ts';

async function temporary(t: TestContext): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'aico-sources-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function sourcesIn(pluginsDir: string): Promise<readonly PluginSource[]> {
  const config = new ConfigurationManager({ paths: new AICOPaths({ env: { AICO_HOME: pluginsDir } }) });
  await config.initialize({ lightweight: true });
  return pluginSources({ config, pluginsDir, baseDir: pluginsDir });
}

test('the target of a link in the folder is checked for the same rights as the folder itself', async (t) => {
  const folder = await temporary(t);
  const outside = await temporary(t);
  const file = path.join(outside, 'plugin.ts');
  await writeFile(file, 'export {};');
  await symlink(file, path.join(folder, 'linked.ts'));
  assert.deepEqual(
    (await sourcesIn(folder)).map(({ name }) => name),
    ['linked'],
  );
  for (const place of [file, outside]) {
    await chmod(place, 0o777);
    await assert.rejects(sourcesIn(folder), { code: 'AICO_PATHS_EXPOSED' });
    await chmod(place, 0o700);
  }
});

test('a file or folder in it that every user may write to is refused', async (t) => {
  const folder = await temporary(t);
  await mkdir(path.join(folder, 'open'));
  await chmod(path.join(folder, 'open'), 0o777);
  await assert.rejects(sourcesIn(folder), { code: 'AICO_PATHS_EXPOSED' });
});

test('a pipe, a device or a huge file in the place of a plugin or its package.json is refused, and nothing waits for it', async (t) => {
  const folder = await temporary(t);
  const manifest = path.join(folder, 'package.json');
  const pipe = path.join(folder, 'pipe.ts');
  execFileSync('mkfifo', [pipe]);
  await assert.rejects(findPlugin(pipe, folder), { code: 'AICO_PLUGIN_NOT_FOUND' });
  const kinds: readonly (() => Promise<unknown>)[] = [
    async () => execFileSync('mkfifo', [manifest]),
    () => symlink('/dev/zero', manifest),
    () => writeFile(manifest, `"${'a'.repeat(2_000_000)}"`),
    () => mkdir(manifest),
  ];
  for (const make of kinds) {
    await make();
    const found = await findPlugin(folder, folder);
    await assert.rejects(pluginEntry(found), { code: 'AICO_PLUGIN_IMPORT' });
    await assert.rejects(packageOf(found), { code: 'AICO_PLUGIN_IMPORT' });
    await rm(manifest, { recursive: true });
  }
});
