/** Plugins that a configuration file names: from where they are looked up, and what happens where they are not there. */
import assert from 'node:assert/strict';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { createTestBackend, createTestHome, localRequest } from '../src/testing/index.ts';

const pluginSource = (name: string): string => `
  export const plugin = { name: '${name}', version: '1.0.0', description: 'Plain', start() {} };
`;

async function homeWith(
  t: TestContext,
  yaml: string,
  files: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { folder, remove } = await createTestHome();
  t.after(remove);
  for (const [name, content] of Object.entries({ 'config.yaml': yaml, ...files })) {
    const file = path.join(folder, 'config', name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, content);
  }
  return folder;
}

test('a relative path and a package are resolved against the folder of the file, not the current one', async (t) => {
  const home = await homeWith(
    t,
    'plugins:\n  near:\n    module: ./near.ts\n  packed:\n    module: packed-plugin\n',
    {
      'near.ts': pluginSource('near'),
      'node_modules/packed-plugin/package.json':
        '{ "name": "packed-plugin", "type": "module", "exports": "./index.mjs" }',
      'node_modules/packed-plugin/index.mjs': pluginSource('packed'),
    },
  );
  const backend = await createTestBackend({ home, baseDir: '/' });
  t.after(() => backend.stop());
  const names = backend.plugins.map(({ definition }) => definition.name);
  assert.deepEqual(names, ['near', 'packed']);
});

test('one that cannot be loaded fails the start unless it is optional: then it is listed as not loaded', async (t) => {
  const yaml = (required: string): string => `plugins:\n  gone:\n    module: ./gone.ts\n${required}`;
  await assert.rejects(createTestBackend({ home: await homeWith(t, yaml('')) }), {
    code: 'AICO_PLUGIN_NOT_FOUND',
  });
  const backend = await createTestBackend({ home: await homeWith(t, yaml('    required: false\n')) });
  t.after(() => backend.stop());
  const reply = await localRequest(backend.socket, '/api/v1/plugins');
  const { plugins } = reply.json() as {
    plugins: readonly { name: string; state: string; required: boolean }[];
  };
  assert.deepEqual(
    plugins.map(({ name, state, required }) => ({ name, state, required })),
    [{ name: 'gone', state: 'not loaded', required: false }],
  );
});

test('a name that is not a valid configuration key is refused with the reason', async (t) => {
  const home = await homeWith(t, '', { 'plugin.ts': pluginSource('constructor') });
  const module = path.join(home, 'config', 'plugin.ts');
  await assert.rejects(createTestBackend({ home, plugins: [module] }), { code: 'AICO_PLUGIN_SHAPE' });
});

test('the folder of plugins of the home is loaded at every start, each plugin under the name of its file', async (t) => {
  const home = await homeWith(
    t,
    'plugins:\n  off:\n    enabled: false\n  moved:\n    module: ../elsewhere.ts\n',
    {
      '../plugins/single.ts': pluginSource('single'),
      '../plugins/folder/index.ts': pluginSource('folder'),
      '../plugins/off.ts': "throw new Error('a plugin that is turned off has run');\n",
      '../plugins/moved.ts': "throw new Error('the configuration names another place');\n",
      '../plugins/README.md': '',
      '../plugins/single.d.ts': '',
      '../plugins/node_modules/other/index.js': '',
      '../elsewhere.ts': pluginSource('moved'),
    },
  );
  const backend = await createTestBackend({ home });
  t.after(() => backend.stop());
  const names = backend.plugins.map(({ definition }) => definition.name);
  assert.deepEqual(names, ['moved', 'folder', 'single']);
});

test('a plugin with another name than its entry in the home is refused with both names', async (t) => {
  for (const home of [
    await homeWith(t, '', { '../plugins/notes.ts': pluginSource('diary') }),
    await homeWith(t, 'plugins:\n  notes:\n    module: ./plugin.ts\n', {
      'plugin.ts': pluginSource('diary'),
    }),
  ])
    await assert.rejects(createTestBackend({ home }), {
      code: 'AICO_PLUGIN_NAME_DIFFERS',
      message: /is named "diary", and is listed here as "notes"/,
    });
});

test('code that another user could put into the folder of plugins does not run', {
  skip: process.platform === 'win32',
}, async (t) => {
  const home = await homeWith(t, '', { '../plugins/notes.ts': pluginSource('notes') });
  await chmod(path.join(home, 'plugins'), 0o777);
  await assert.rejects(createTestBackend({ home }), { code: 'AICO_PATHS_EXPOSED' });
});
