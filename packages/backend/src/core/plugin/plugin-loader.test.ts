import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { Logging } from '@aico/shared/core/logging';
import type { Database } from '@aico/shared/data';
import { Type } from 'typebox';
import { ServiceContainer } from '../container/service-container.ts';
import {
  PluginExportError,
  PluginImportError,
  PluginNotFoundError,
  PluginShapeError,
  ServiceConstructError,
} from '../errors.ts';
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

describe('loadPlugin says in its own way', () => {
  test('that there is nothing', async () => {
    await mkdir(join(home, 'empty'), { recursive: true });
    for (const specifier of ['./nowhere', './empty', 'not-installed', '/no/such/place', '@no/such']) {
      await assert.rejects(loadPlugin(specifier, home), PluginNotFoundError, specifier);
    }
  });

  test('that the module throws, does not parse, or imports what is missing', async () => {
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

  test('that there is no export named plugin, and what there is', async () => {
    await write('other.mjs', 'export const plug = 1; export default 2;\n');
    await assert.rejects(loadPlugin('./other.mjs', home), (error: unknown) => {
      assert.ok(error instanceof PluginExportError);
      assert.match(error.message, /exports no "plugin" \(it exports default, plug\)/);
      return true;
    });
  });

  test('everything that is wrong with its shape', async () => {
    await write('shape.mjs', "export const plugin = { name: 'No Good', required: 'yes' };\n");
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
  // @ts-expect-error what is registered under the name of a service must be that service
  container.registerInstance('message_bus', 'no bus');
  // @ts-expect-error no such service
  container.registerService('greeter', () => 1, { dependencies: ['databse'] });
});
