/** Plugins that a configuration file names: from where they are looked up, and what happens where they are not there. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
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

test('a relative path and a package are looked up from the folder of the file, not from the current one', async (t) => {
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

test('one that cannot be loaded stops the start unless it is not required: then it is listed as not loaded', async (t) => {
  const yaml = (required: string): string => `plugins:\n  gone:\n    module: ./gone.ts\n${required}`;
  await assert.rejects(createTestBackend({ home: await homeWith(t, yaml('')) }), {
    code: 'AICO_PLUGIN_NOT_FOUND',
  });
  const backend = await createTestBackend({ home: await homeWith(t, yaml('    required: false\n')) });
  t.after(() => backend.stop());
  const reply = await localRequest(backend.socket, '/api/v1/system/plugins');
  const { plugins } = reply.json() as {
    plugins: readonly { name: string; state: string; required: boolean }[];
  };
  assert.deepEqual(
    plugins.map(({ name, state, required }) => ({ name, state, required })),
    [{ name: 'gone', state: 'not loaded', required: false }],
  );
});

test('a name that the configuration cannot hold is refused with the reason', async (t) => {
  const home = await homeWith(t, '', { 'plugin.ts': pluginSource('constructor') });
  const module = path.join(home, 'config', 'plugin.ts');
  await assert.rejects(createTestBackend({ home, plugins: [module] }), { code: 'AICO_PLUGIN_SHAPE' });
});
