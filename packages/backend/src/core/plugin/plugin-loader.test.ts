import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { Logging } from '@aico/shared/core/logging';
import type { Database } from '@aico/shared/data';
import { Type } from 'typebox';
import { VERSION } from '../../version.ts';
import { ServiceConstructError } from '../container/errors.ts';
import { ServiceContainer } from '../container/service-container.ts';
import { GENERATION_QUERY } from '../failure-place.ts';
import {
  PluginExportError,
  PluginImportError,
  PluginIncompatibleError,
  PluginLoadTimeoutError,
  PluginNotFoundError,
  PluginShapeError,
} from './errors.ts';
import { ModuleGenerations } from './module-generations.ts';
import { BasePlugin } from './plugin-base.ts';
import { definePlugin } from './plugin-definition.ts';
import { loadPlugin } from './plugin-loader.ts';
import { registerPlugin } from './register-plugin.ts';

const GOOD = "export const plugin = { name: 'good', version: '1', description: 'd', start() {} };\n";

let home = '';

before(async () => {
  home = await mkdtemp(join(tmpdir(), 'aico-loader-'));
});

after(() => rm(home, { recursive: true, force: true }));

async function write(path: string, text: string): Promise<void> {
  const file = join(home, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}

describe('loadPlugin finds', () => {
  test('a file, a folder by its index, by its package.json, by a URL, and an installed package', async () => {
    await write('file.mjs', GOOD);
    await write('folder/index.ts', GOOD);
    await write('nested/src/index.ts', GOOD);
    await write(
      'packed/package.json',
      JSON.stringify({ exports: { '.': { types: './t.d.ts', import: './x.mjs' } } }),
    );
    await write('packed/x.mjs', GOOD);
    await write('main/package.json', JSON.stringify({ main: 'y.mjs' }));
    await write('main/y.mjs', GOOD);
    await write(
      'node_modules/installed/package.json',
      JSON.stringify({ name: 'installed', exports: './z.mjs' }),
    );
    await write('node_modules/installed/z.mjs', GOOD);
    const specifiers = ['./file.mjs', './folder', './nested', './packed', './main', 'installed'];
    for (const specifier of [
      ...specifiers,
      join(home, 'file.mjs'),
      pathToFileURL(join(home, 'folder')).href,
    ]) {
      const { definition, module } = await loadPlugin(specifier, home);
      assert.equal(definition.name, 'good', specifier);
      assert.match(module, /^file:/);
    }
  });
});

describe('loadPlugin takes from the package of a plugin', () => {
  const bare = "export const plugin = { name: 'bare', start() {} };\n";
  const manifest = (fields: object): string => JSON.stringify({ name: 'aico-plugin-bare', ...fields });

  test('its version and description, where the definition has none', async () => {
    await write('bare/package.json', manifest({ version: '1.2.3', description: 'Bare' }));
    await write('bare/index.mjs', bare);
    const { definition } = await loadPlugin('./bare/index.mjs', home);
    assert.deepEqual([definition.version, definition.description], ['1.2.3', 'Bare']);
    await write('bare/whole.mjs', GOOD);
    assert.equal((await loadPlugin('./bare/whole.mjs', home)).definition.version, '1');
  });

  test('its source instead of its compiled file, but not below node_modules', async () => {
    const exports = { '.': { source: './src/index.mjs', default: './dist/index.mjs' } };
    for (const folder of ['developed', 'node_modules/developed', 'compiled']) {
      await write(`${folder}/package.json`, manifest({ exports }));
      await write(`${folder}/dist/index.mjs`, bare);
      if (folder !== 'compiled') await write(`${folder}/src/index.mjs`, bare);
    }
    const modules = await Promise.all(
      ['./developed', 'developed', './compiled'].map(async (each) => (await loadPlugin(each, home)).module),
    );
    assert.deepEqual(
      modules.map((module) => module.replace(pathToFileURL(home).href, '')),
      ['/developed/src/index.mjs', '/node_modules/developed/dist/index.mjs', '/compiled/dist/index.mjs'],
    );
  });

  test('the ranges that it is compatible with, before its code runs', async () => {
    const throwing = "throw new Error('it has run');\n";
    const refused = [
      { peerDependencies: { '@aico/backend': '^99.0.0' } },
      { dependencies: { '@aico/backend': '99.x' } },
      { peerDependencies: { '@aico/backend': `^${VERSION}` }, engines: { '@aico/backend': '>=99' } },
      { engines: { node: '>=99' } },
    ];
    for (const [index, fields] of refused.entries()) {
      await write(`refused-${index}/package.json`, manifest(fields));
      await write(`refused-${index}/index.js`, throwing);
      await assert.rejects(loadPlugin(`./refused-${index}`, home), (error: unknown) => {
        assert.ok(error instanceof PluginIncompatibleError, String(error));
        assert.match(error.message, /needs (@aico\/backend|Node\.js) .*99/);
        assert.match(error.hint ?? '', /Install a version of the plugin/);
        return true;
      });
    }
    const taken = [
      { peerDependencies: { '@aico/backend': `^${VERSION}` }, engines: { node: '>=24' } },
      // No ranges: where npm found the package is no statement about versions.
      { dependencies: { '@aico/backend': 'file:../backend.tgz' }, engines: {} },
      { dependencies: { '@aico/backend': '*' } },
    ];
    for (const [index, fields] of taken.entries()) {
      await write(`taken-${index}/package.json`, manifest(fields));
      await write(`taken-${index}/index.mjs`, bare);
      await loadPlugin(`./taken-${index}/index.mjs`, home);
    }
  });

  test('no second copy of @aico/backend, and needs none beside it', async () => {
    const copy = 'with-copy/node_modules/@aico/backend';
    await write(
      `${copy}/package.json`,
      JSON.stringify({ name: '@aico/backend', exports: { './plugin': './p.mjs' } }),
    );
    await write(`${copy}/p.mjs`, "throw new Error('the copy was loaded');\n");
    const using = `import { BasePlugin, definePlugin } from '@aico/backend/plugin';
      export const plugin = definePlugin({ name: 'using', start() {}, config: BasePlugin && undefined });\n`;
    await write('with-copy/index.mjs', using);
    await loadPlugin('./with-copy/index.mjs', home);
    await write('with-none/index.mjs', using);
    await loadPlugin('./with-none/index.mjs', home);
  });
});

describe('loadPlugin reports', () => {
  test('a missing module', async () => {
    await mkdir(join(home, 'empty'), { recursive: true });
    for (const specifier of ['./nowhere', './empty', 'not-installed', '/no/such/place', '@no/such']) {
      await assert.rejects(loadPlugin(specifier, home), PluginNotFoundError, specifier);
    }
  });

  test('a module that throws, cannot be parsed, or imports a missing module', async () => {
    await write('throws.mjs', "throw new Error('boom');\n");
    await write('garbled.mjs', 'export const = ;\n');
    await write('imports.mjs', "import './missing.mjs';\n");
    await write('manifest/package.json', '{');
    for (const specifier of ['./throws.mjs', './garbled.mjs', './imports.mjs', './manifest']) {
      await assert.rejects(loadPlugin(specifier, home), PluginImportError, specifier);
    }
    await assert.rejects(loadPlugin('./throws.mjs', home), /cannot be loaded: boom \(\/.*throws\.mjs:1:7\)/);
    await write('packages.mjs', "import 'not-installed-here';\n");
    await assert.rejects(loadPlugin('./packages.mjs', home), (error: unknown) => {
      assert.ok(error instanceof PluginImportError);
      assert.match(error.hint ?? '', /node_modules beside .*packages\.mjs and above it/);
      return true;
    });
  });

  test('a module that never finishes running, and keeps the generation before', async () => {
    using generations = new ModuleGenerations();
    const load = (timeoutMs = 30_000) => loadPlugin('./waiting/index.mjs', home, { generations, timeoutMs });
    const version = (number: number, code = '') =>
      write(
        'waiting/index.mjs',
        `${code} export const number = ${number}; export const plugin = { name: 'waiting', start() {} };\n`,
      );
    await write(
      'importer.mjs',
      "export const number = async () => (await import('./waiting/index.mjs')).number;\n",
    );
    // Another plugin, which has been reloaded, imports the present generation.
    const importer = `${pathToFileURL(join(home, 'importer.mjs')).href}${GENERATION_QUERY}0`;
    const seen = async () => ((await import(importer)) as { number: () => Promise<number> }).number();
    await version(1);
    (await load()).adopt?.();
    await version(2, 'await new Promise(() => {});');
    await assert.rejects(load(20), (error: unknown) => {
      assert.ok(error instanceof PluginLoadTimeoutError);
      assert.match(error.message, /waiting\/index\.mjs did not finish running within 20 ms/);
      return true;
    });
    await version(3);
    const loaded = await load();
    assert.equal(await seen(), 1);
    loaded.adopt?.();
    assert.equal(await seen(), 3);
  });

  test('a file that is no code', async () => {
    for (const file of ['README.md', 'data.json']) {
      await write(file, '{}\n');
      await assert.rejects(loadPlugin(`./${file}`, home), (error: unknown) => {
        assert.ok(error instanceof PluginImportError);
        assert.match(error.hint ?? '', /A plugin is a file of JavaScript or TypeScript/);
        return true;
      });
    }
  });

  test('an ECMAScript module in a package of CommonJS modules, with the line to change', async () => {
    await write('common/package.json', JSON.stringify({ name: 'common', type: 'commonjs' }));
    await write('common/imports.ts', "import path from 'node:path'; export const plugin = path;\n");
    await write('common/exports.js', 'export const plugin = {};\n');
    for (const file of ['imports.ts', 'exports.js'])
      await assert.rejects(loadPlugin(`./common/${file}`, home), (error: unknown) => {
        assert.ok(error instanceof PluginImportError);
        assert.match(error.hint ?? '', /npm pkg set type=module/);
        return true;
      });
  });

  test('the places of a reloaded module without the name of its generation', async () => {
    using generations = new ModuleGenerations();
    for (const code of ["throw new Error('boom');", 'const = ;', "import './missing.mjs';"]) {
      await write('again/index.mjs', `${code}\n`);
      await assert.rejects(loadPlugin('./again/index.mjs', home, { generations }), (error: unknown) => {
        assert.ok(error instanceof PluginImportError);
        assert.doesNotMatch(error.message, /generation/);
        assert.match(error.message, /again\/index\.mjs/);
        return true;
      });
    }
  });

  test('a missing export named plugin, with the present exports', async () => {
    await write('other.mjs', 'export const plug = 1; export default 2;\n');
    await assert.rejects(loadPlugin('./other.mjs', home), (error: unknown) => {
      assert.ok(error instanceof PluginExportError);
      assert.match(error.message, /exports no "plugin" \(it exports default, plug\)/);
      return true;
    });
  });

  test('every fault of a definition', async () => {
    await write(
      'shape.mjs',
      "export const plugin = { name: 'No Good', version: 1, description: '', required: 'yes' };\n",
    );
    await assert.rejects(loadPlugin('./shape.mjs', home), (error: unknown) => {
      assert.ok(error instanceof PluginShapeError);
      assert.equal(error.problems.length, 5);
      assert.match(
        error.message,
        /"name" must be.*"version" must be.*"description" must be.*either "start" or "create".*"required" must be/,
      );
      return true;
    });
    await write('nothing.mjs', 'export const plugin = null;\n');
    await assert.rejects(loadPlugin('./nothing.mjs', home), PluginShapeError);
  });

  test('that its constructor throws', async () => {
    await write(
      'constructor.mjs',
      "export const plugin = { name: 'bad', version: '1', description: 'd', create() { throw new Error('boom'); } };\n",
    );
    const { definition } = await loadPlugin('./constructor.mjs', home);
    const container = new ServiceContainer();
    registerPlugin(container, definition);
    await assert.rejects(container.start(), (error: unknown) => {
      assert.ok(error instanceof ServiceConstructError);
      assert.match(error.message, /service "bad" could not be constructed: boom/);
      return true;
    });
  });
});

class Greeter extends BasePlugin {}

const about = { version: '1.0.0', description: 'Says hello' };

test('definePlugin() types what start() receives by the dependencies and the schema of the configuration', () => {
  definePlugin({
    ...about,
    name: 'greeter',
    dependencies: ['database'],
    config: Type.Object({ greeting: Type.String({ default: 'hello' }) }),
    start(plugin) {
      const { greeting } = plugin.config;
      greeting satisfies string;
      plugin.requireService('database') satisfies Database;
      plugin.requireService('logging') satisfies Logging;
      // @ts-expect-error it is not declared
      plugin.requireService('message_bus');
      // @ts-expect-error there is no such service
      plugin.requireService('databse');
      // @ts-expect-error the schema has no such key
      plugin.config.greting satisfies unknown;
    },
  });
  definePlugin({
    ...about,
    name: 'greeter',
    config: Type.Object({ greeting: Type.String({ default: 'hello' }) }),
    create(name, container, { greeting }) {
      greeting satisfies string;
      return new Greeter(name, container);
    },
  });
});

test('a wrong definition does not compile', () => {
  definePlugin({
    ...about,
    name: 'greeter',
    // @ts-expect-error there is no such service
    dependencies: ['databse'],
    start: () => {},
  });
  definePlugin({
    ...about,
    name: 'greeter',
    // @ts-expect-error a string is no plugin
    create: () => 'hello',
  });
  definePlugin({
    ...about,
    name: 'message_bus',
    // @ts-expect-error a plugin under the name of a service must be that service
    create: (name, container) => new Greeter(name, container),
  });
  definePlugin({
    ...about,
    name: 'greeter',
    // @ts-expect-error a capability has a colon
    capabilities: { read: 'Read' },
    start: () => {},
  });
  // @ts-expect-error neither start nor create
  definePlugin({ ...about, name: 'greeter' });
  const container = new ServiceContainer();
  // @ts-expect-error an instance must have the type of the service under whose name it is registered
  container.registerInstance('message_bus', 'no bus');
  // @ts-expect-error no such service
  container.registerService('greeter', () => 1, { dependencies: ['databse'] });
});
