import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { Type } from 'typebox';
import { stringify } from 'yaml';
import { ConfigurationManager, type InitializeOptions } from './configuration-manager.ts';
import { ConfigInvalidError, ConfigSyntaxError, ConfigUnreadableError } from './errors.ts';
import { defineSection } from './sections.ts';

const part = defineSection(
  'core.part',
  Type.Object({
    port: Type.Integer({ default: 1 }),
    name: Type.String({ default: 'a', minLength: 0 }),
    on: Type.Boolean({ default: true }),
    tags: Type.Array(Type.String({ minLength: 0 }), { default: [] }),
  }),
);

async function home(t: TestContext) {
  const folder = await mkdtemp(path.join(tmpdir(), 'aico-reload-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return {
    configFile: path.join(folder, 'config.yaml'),
    environmentFile: (environment: string) => path.join(folder, `${environment}.yaml`),
  };
}

async function open(t: TestContext, options: InitializeOptions = {}) {
  const paths = await home(t);
  const config = new ConfigurationManager({ paths, env: {}, sections: [part] });
  await config.initialize(options);
  return { config, paths };
}

test('for random values in random layers, each key has the value of the highest layer that sets it', async (t) => {
  const paths = await home(t);
  const some = fc.record(
    {
      port: fc.integer(),
      name: fc.string(),
      on: fc.boolean(),
      tags: fc.array(fc.string(), { maxLength: 3 }),
    },
    { requiredKeys: [] },
  );
  await fc.assert(
    fc.asyncProperty(some, some, some, some, async (environment, user, variables, runtime) => {
      await writeFile(paths.environmentFile('test'), stringify({ core: { part: environment } }));
      await writeFile(paths.configFile, stringify({ environment: 'test', core: { part: user } }));
      const env = Object.entries(variables).map(([word, value]) => [
        `AICO_CORE__PART__${word.toUpperCase()}`,
        typeof value === 'string' ? value : JSON.stringify(value),
      ]);
      const overrides = Object.fromEntries(
        Object.entries(runtime).map(([word, value]) => [`core.part.${word}`, value]),
      );
      const config = new ConfigurationManager({
        paths,
        env: Object.fromEntries(env),
        overrides,
        sections: [part],
      });
      await config.initialize();
      const defaults = { port: 1, name: 'a', on: true, tags: [] };
      const expected = { ...defaults, ...environment, ...user, ...variables, ...runtime };
      assert.deepEqual(config.get('core.part', {}).toObject(), expected);
    }),
    { numRuns: 80 },
  );
});

describe('the environment', () => {
  test('the environment passed to initialize() overrides the layers', async (t) => {
    const paths = await home(t);
    await writeFile(paths.configFile, 'environment: test\n');
    await writeFile(paths.environmentFile('production'), 'core: { part: { port: 7 } }\n');
    const config = new ConfigurationManager({ paths, env: {}, sections: [part] });
    await config.initialize({ environment: 'production' });
    assert.deepEqual([config.get('environment', ''), config.section(part).port], ['production', 7]);
    await assert.rejects(
      new ConfigurationManager({ env: {} }).initialize({ environment: 'moon' }),
      ConfigInvalidError,
    );
  });

  test('the file of an environment cannot select another environment', async (t) => {
    const paths = await home(t);
    await writeFile(
      paths.environmentFile('development'),
      'environment: production\ncore: { part: { port: 7 } }\n',
    );
    const config = new ConfigurationManager({ paths, env: {}, sections: [part] });
    await assert.rejects(
      config.initialize(),
      /development\.yaml:1:1: environment cannot be set in the file of one/,
    );
    await config.initialize({ lightweight: true });
    assert.deepEqual([config.get('environment', ''), config.section(part).port], ['development', 7]);
  });
});

describe('reload', () => {
  test('concurrent reloads end with the content that was read last', async (t) => {
    const { config, paths } = await open(t);
    const all: Promise<void>[] = [];
    for (let port = 2; port < 12; port++) {
      await writeFile(paths.configFile, `core: { part: { port: ${port} } }`);
      all.push(config.reload());
    }
    await Promise.all(all);
    assert.equal(config.section(part).port, 11);
  });

  test('a refused reload keeps every old value, and the next valid one takes effect', async (t) => {
    const { config, paths } = await open(t);
    config.set('core.part.name', 'kept');
    const before = JSON.stringify(config);
    for (const text of ['core: { part: { port: x } }', 'a: [', 'nonsense: 1', '- 1']) {
      await writeFile(paths.configFile, text);
      await assert.rejects(config.reload());
      assert.equal(JSON.stringify(config), before);
    }
    await writeFile(paths.configFile, 'core: { part: { port: 5 } }');
    await config.reload();
    assert.deepEqual([config.section(part).port, config.section(part).name], [5, 'kept']);
  });
});

describe('files', () => {
  test('a path that is too large, not a file or not text is refused by its name', async (t) => {
    const paths = await home(t);
    const config = new ConfigurationManager({ paths, env: {} });
    for (const content of ['#'.repeat(1_048_577), Buffer.from([0x61, 0x3a, 0x20, 0xff, 0xfe])]) {
      await writeFile(paths.configFile, content);
      await assert.rejects(config.initialize(), ConfigUnreadableError);
    }
    const device = new ConfigurationManager({ paths: { ...paths, configFile: '/dev/zero' }, env: {} });
    if (process.platform !== 'win32')
      await assert.rejects(device.initialize(), /\/dev\/zero: it is not a file/);
  });

  test('hostile YAML is refused with its location, and listed in problems by lightweight', async (t) => {
    const paths = await home(t);
    const bomb = `a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n`;
    const hostile: Readonly<Record<string, RegExp>> = {
      [bomb]: /config\.yaml:2:\d+: b\.0 aliases are not supported/,
      [`a: ${'['.repeat(20_000)}`]: /config\.yaml:1:\d+: not valid YAML/,
      'a: !!binary aGk=': /config\.yaml:1:1/,
      'a: !tag 1': /config\.yaml:1:4: not valid YAML/,
      'core.part: { port: 1 }': /config\.yaml:1:1: a key is one word/,
      '? [a]\n: 1': /config\.yaml:1:3: this key is not a plain word/,
      'a: 1\n---\nb: 2': /config\.yaml:2:1/,
      'a: [{ __proto__: { x: 1 } }]': /config\.yaml:1:7/,
    };
    for (const [text, place] of Object.entries(hostile)) {
      await writeFile(paths.configFile, text);
      const config = new ConfigurationManager({ paths, env: {} });
      await assert.rejects(config.initialize(), (error) => {
        assert.ok(error instanceof ConfigSyntaxError, String(error));
        assert.match(error.message, place);
        return true;
      });
      await config.initialize({ lightweight: true });
      assert.notDeepEqual(config.problems, []);
    }
    assert.equal('x' in {}, false);
  });

  test('problems in both files are reported at once, even for a value that a higher layer overrides', async (t) => {
    const paths = await home(t);
    await writeFile(paths.configFile, 'core:\n  part: { port: x }\n');
    await writeFile(paths.environmentFile('development'), 'core:\n  part: { prot: 1, on: 5 }\n');
    const env = { AICO_CORE__PART__PORT: '4', AICO_CORE__PART__ON: 'true' };
    const config = new ConfigurationManager({ paths, env, sections: [part] });
    await config.initialize({ lightweight: true });
    assert.deepEqual(config.problems.map(({ key }) => key).sort(), [
      'core.part.on',
      'core.part.port',
      'core.part.prot',
    ]);
    await writeFile(paths.configFile, 'a: [');
    await writeFile(paths.environmentFile('development'), 'b: [');
    await assert.rejects(
      new ConfigurationManager({ paths, env: {} }).initialize(),
      /config\.yaml:1:\d+: [^\n]+\n.*development\.yaml:1/,
    );
  });

  test('an empty section, or one with comments only, sets nothing', async (t) => {
    const paths = await home(t);
    await writeFile(paths.configFile, 'core:\n  part:\n    # port: 3\nplugins:\n');
    const config = new ConfigurationManager({ paths, env: {}, sections: [part] });
    await config.initialize();
    assert.equal(config.section(part).port, 1);
  });
});
