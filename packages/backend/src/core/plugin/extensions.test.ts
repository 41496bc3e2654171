import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Logging } from '@aico/shared/core/logging';
import { ServiceContainer } from '../container/service-container.ts';
import { HealthChecks } from '../health/registry.ts';
import { extensionPoint } from './extension-point.ts';
import { ExtensionRegistry, type Extensions } from './extensions.ts';
import { definePlugin, type PluginDefinition } from './plugin-definition.ts';
import { registerPlugin } from './register-plugin.ts';

type Word = () => string | Promise<string>;

const about = { version: '1.0.0', description: 'Under test' };
const words = extensionPoint<Word>('speaker.words');

/** A plugin that offers the extension point `words`, and lets the test call its extensions. */
function speaker(onStart: (spoken: readonly string[]) => void = () => {}) {
  let extensions: Extensions<Word> | undefined;
  const plugin = definePlugin({
    ...about,
    name: 'speaker',
    offers: [words],
    async start(plugin) {
      extensions = plugin.extensions(words);
      onStart(await extensions.collect((word) => word()));
    },
  });
  return { plugin, speak: async () => extensions?.collect((word) => word()), size: () => extensions?.size };
}

function filler(name: string, word: Word, changes: Partial<PluginDefinition> = {}): PluginDefinition {
  const plugin = definePlugin({
    ...about,
    name,
    fills: [words],
    start(plugin) {
      plugin.fill(words, word);
    },
  });
  return { ...plugin, ...changes };
}

async function run(...plugins: readonly PluginDefinition[]) {
  const container = new ServiceContainer({ onEvent: () => {} });
  container.registerInstance('logging', new Logging({ console: { enabled: false } }));
  container.registerInstance('health', new HealthChecks());
  for (const plugin of plugins) registerPlugin(container, plugin);
  await container.start();
  return { container, [Symbol.asyncDispose]: async () => void (await container.stop()) };
}

test('the plugin that offers a point finds all extensions when it starts, by priority and then by name', async () => {
  let atStart: readonly string[] = [];
  await using _ = await run(
    speaker((spoken) => (atStart = spoken)).plugin,
    filler('charlie', () => 'c'),
    filler('bravo', () => 'b'),
    filler('alpha', async () => 'a', { priority: 200 }),
  );
  assert.deepEqual(atStart, ['b', 'c', 'a']);
});

test('an extension that throws or rejects is left out, and the others are called', async () => {
  const { plugin, speak, size } = speaker();
  await using _ = await run(
    plugin,
    filler('alpha', () => {
      throw new Error('no word');
    }),
    filler('bravo', () => Promise.reject(new Error('no word'))),
    filler('charlie', () => 'c'),
  );
  assert.deepEqual(await speak(), ['c']);
  assert.equal(size(), 3);
});

test('an extension that does not answer in time is left out', async () => {
  const logging = new Logging({ console: { enabled: false } });
  const registry = new ExtensionRegistry();
  const by = { plugin: 'alpha', priority: 100, logger: () => logging.getLogger('alpha', 'plugin') };
  registry.add('speaker.words', by, () => new Promise(() => {}));
  registry.add('speaker.words', by, () => 'a');
  assert.deepEqual(await registry.at<Word>('speaker.words', 20).collect((word) => word()), ['a']);
});

test('a plugin that fails takes its extension along, and the plugin that offers the point starts without it', async () => {
  const { plugin, speak } = speaker();
  const failing = definePlugin({
    ...about,
    name: 'alpha',
    required: false,
    fills: [words],
    async start(plugin) {
      plugin.fill(words, () => 'a');
      throw new Error('no start');
    },
  });
  await using world = await run(
    plugin,
    failing,
    filler('bravo', () => 'b', { required: false, dependencies: ['fixture.alpha'] }),
    { ...failing, name: 'fixture.alpha' },
    filler('charlie', () => 'c'),
  );
  assert.equal(world.container.stateOf('speaker').kind, 'running');
  assert.equal(world.container.stateOf('bravo').kind, 'waiting');
  assert.deepEqual(await speak(), ['c']);
});

test('a reload of a filler restarts the plugin that offers the point, around it, and leaves one extension', async () => {
  const { plugin, speak } = speaker();
  await using world = await run(
    plugin,
    filler('alpha', () => 'a'),
    filler('bravo', () => 'b'),
  );
  const { services } = await world.container.reload('alpha');
  assert.deepEqual(
    services.map(({ name }) => name),
    ['alpha', 'speaker'],
  );
  assert.deepEqual(await speak(), ['a', 'b']);
  assert.equal(world.container.getService('plugins').extensions.size, 2);
  await world.container.stop();
  assert.equal(world.container.getService('plugins').extensions.size, 0);
});

test('a point that is not offered, or not declared, is refused before or when the plugin starts', async () => {
  await assert.rejects(
    run(filler('alpha', () => 'a')),
    /alpha -> speaker\.words \(no plugin that is loaded offers the extension point "speaker\.words"\)/,
  );
  await assert.rejects(
    run(
      speaker().plugin,
      filler('alpha', () => 'a', { fills: [] }),
    ),
    /plugin "alpha" fills the extension point "speaker\.words", which its definition does not list in `fills`/,
  );
  await using world = await run(filler('alpha', () => 'a', { fills: [words.optional] }));
  assert.equal(world.container.stateOf('alpha').kind, 'running');
});
