import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type TObject, type TSchema, Type } from 'typebox';
import { ConfigurationManager } from './configuration-manager.ts';
import { ConfigInvalidError } from './errors.ts';
import { defineSection } from './sections.ts';
import { variableFor } from './variable.ts';

async function read(schema: TObject, env: Record<string, string>): Promise<ConfigurationManager> {
  const config = new ConfigurationManager({ env, sections: [defineSection('core.part', schema)] });
  await config.initialize();
  return config;
}

async function refused(schema: TObject, env: Record<string, string>): Promise<string> {
  const error = await read(schema, env).then(
    () => assert.fail(`accepted: ${JSON.stringify(env)}`),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ConfigInvalidError, String(error));
  return error.message;
}

interface Leaf {
  readonly schema: TSchema;
  readonly value: unknown;
}

const word = fc.stringMatching(/^[a-z][a-z0-9]{0,4}(?:[_-][a-z0-9]{1,3}){0,2}$/);
const anyLeaf: fc.Arbitrary<Leaf> = fc.oneof(
  fc.maxSafeInteger().map((value) => ({ schema: Type.Integer(), value })),
  fc
    .double({ noNaN: true, noDefaultInfinity: true })
    .map((value) => ({ schema: Type.Number(), value: value + 0 })),
  fc.boolean().map((value) => ({ schema: Type.Boolean(), value })),
  fc.string().map((value) => ({ schema: Type.String({ minLength: 0 }), value })),
  fc.array(fc.string()).map((value) => ({ schema: Type.Array(Type.String({ minLength: 0 })), value })),
  fc.array(fc.integer()).map((value) => ({ schema: Type.Array(Type.Integer()), value })),
  fc.constantFrom('auto', 'off').map((value) => ({ schema: Type.Enum(['auto', 'off', 'on']), value })),
  fc
    .oneof(fc.integer(), fc.constant('auto'))
    .map((value) => ({ schema: Type.Union([Type.Integer(), Type.Literal('auto')]), value })),
);

describe('variables', () => {
  test('any key of any schema at any depth can be set by its variable to any value', async () => {
    const places = fc.uniqueArray(fc.tuple(fc.array(word, { minLength: 1, maxLength: 4 }), anyLeaf), {
      minLength: 1,
      maxLength: 4,
      // The first words of their variables differ, so that no section contains another.
      selector: ([words]) => variableFor(words[0] ?? ''),
    });
    await fc.assert(
      fc.asyncProperty(places, async (leaves) => {
        const nested = leaves.map(([words, leaf]): [string, TSchema] => {
          const [first = '', ...rest] = words;
          return [
            first,
            rest.reduceRight<TSchema>((below, name) => Type.Object({ [name]: below }), leaf.schema),
          ];
        });
        const env = Object.fromEntries(
          leaves.map(([words, { value }]) => [
            variableFor(['core', 'part', ...words].join('.')),
            typeof value === 'string' ? value : JSON.stringify(value),
          ]),
        );
        const config = await read(Type.Object(Object.fromEntries(nested)), env);
        for (const [words, { value }] of leaves) {
          const key = ['core', 'part', ...words].join('.');
          assert.deepEqual(config.get(key), value, key);
          assert.equal(config.explain(key)?.origin.layer, 'environment variable');
        }
      }),
      { numRuns: 150 },
    );
  });

  test('text that does not have exactly the type of the key is refused, never rounded or guessed', async () => {
    const schema = Type.Object({ port: Type.Optional(Type.Integer()), on: Type.Optional(Type.Boolean()) });
    for (const text of ['', ' ', '3.7', '0x10', '1e3', 'true', 'null', '9007199254740993', 'Infinity', '[1]'])
      assert.match(await refused(schema, { AICO_CORE__PART__PORT: text }), /must be an integer/, text);
    for (const text of ['', 'yes', '1', '0', 'null'])
      assert.match(await refused(schema, { AICO_CORE__PART__ON: text }), /must be true or false/, text);
    assert.equal((await read(schema, { AICO_CORE__PART__ON: 'TRUE' })).get('core.part.on', false), true);
  });

  test('a key of type string gets the text unchanged', async () => {
    const schema = Type.Object({ name: Type.String() });
    for (const text of ['8771', 'true', 'null', '[a]', ' x '])
      assert.equal((await read(schema, { AICO_CORE__PART__NAME: text })).get('core.part.name', '-'), text);
  });

  test('a variable that sets no key is refused, with the nearest variable', async () => {
    const schema = Type.Object({
      port: Type.Optional(Type.Integer()),
      deep: Type.Object({ x: Type.Integer({ default: 1 }) }),
    });
    assert.match(
      await refused(schema, { AICO_CORE_PART_PORT: '1' }),
      /did you mean AICO_CORE__PART__PORT \(core\.part\.port\)\?/,
    );
    assert.match(
      await refused(schema, { AICO_CORE__PART__DEEP: '{x: 2}' }),
      /is a section: .* AICO_CORE__PART__DEEP__X/,
    );
    assert.match(await refused(schema, { AICO_CORE____PROTO____X: '1' }), /is not a known key/);
    assert.match(await refused(schema, { AICO_: '1' }), /is not a known key/);
    assert.match(
      await refused(schema, { AICO_CORE__PART__PORT: '1', AICO_core__part__port: '2' }),
      /two variables/,
    );
    await read(schema, { AICO_HOME: '/x', AICO_ENVIRONMENT: 'test', OTHER: '1' });
  });

  test('a list of aliases that would expand to gigabytes is refused as text', async () => {
    const bomb = '[&a [x, x, x], &b [*a, *a, *a], &c [*b, *b, *b], [*c, *c, *c]]';
    const schema = Type.Object({ list: Type.Array(Type.Unknown(), { default: [] }) });
    assert.match(await refused(schema, { AICO_CORE__PART__LIST: bomb }), /must be a list.*, not text/);
  });

  test('a variable sets the key of a plugin in the spelling of the file, whether or not the plugin is loaded', async () => {
    const config = new ConfigurationManager({
      env: { AICO_PLUGINS__MY_PLUGIN__SIZE: '3', AICO_PLUGINS__OTHER__ENABLED: 'false' },
      overrides: { 'plugins.my-plugin.module': './x' },
    });
    await config.initialize();
    const section = config.registerSection(
      defineSection('plugins.my-plugin', Type.Object({ size: Type.Integer({ default: 1 }) })),
    );
    assert.equal(section.size, 3);
    assert.equal(config.get('plugins.other.enabled', true), false);
  });

  test('a variable that the process sets later takes effect at the next reload', async () => {
    const env: Record<string, string> = {};
    const schema = Type.Object({ port: Type.Integer({ default: 1 }), on: Type.Boolean({ default: true }) });
    const config = await read(schema, env);
    env.AICO_CORE__PART__PORT = '2';
    config.set('core.part.on', false);
    assert.equal(config.get('core.part.port', 0), 1);
    await config.reload();
    assert.equal(config.get('core.part.port', 0), 2);
  });
});

test('every problem that variables cause names a variable, also for a whole section and a missing key', async () => {
  const range = Type.Refine(
    Type.Object({ min: Type.Integer({ default: 0 }), max: Type.Integer({ default: 9 }) }),
    ({ min, max }) => min <= max,
    () => 'min is above max',
  );
  // The type checker treats a refined section as another kind of schema.
  assert.ok(Type.IsObject(range));
  const choice = Type.Union([
    Type.Object({ kind: Type.Literal('a'), a: Type.Integer() }),
    Type.Object({ kind: Type.Literal('b') }),
  ]);
  const sections = [
    defineSection('core.range', range),
    defineSection(
      'core.rest',
      Type.Object({
        choice: Type.Optional(choice),
        list: Type.Array(Type.Object({ port: Type.Integer() }), { default: [] }),
        needs: Type.Optional(Type.Object({ host: Type.String(), port: Type.Integer() })),
      }),
    ),
  ];
  for (const env of [
    { AICO_CORE__RANGE__MIN: '10' },
    { AICO_CORE__RANGE__MIN: 'x' },
    { AICO_CORE__REST__CHOICE__KIND: 'c' },
    { AICO_CORE__REST__CHOICE: '{ kind: a }' },
    { AICO_CORE__REST__LIST: '[{ port: x }]' },
    { AICO_CORE__REST__LIST: '[{}]' },
    { AICO_CORE__REST__NEEDS__HOST: 'desk' },
    { AICO_CORE__NOTHING: '1' },
    { AICO_CORE: '1' },
    { AICO_ENVIRONMENT: 'prod' },
    { AICO_PLUGINS__INBOX__ENABLED: 'maybe' },
  ]) {
    const config = new ConfigurationManager({ sections, env });
    await config.initialize({ lightweight: true });
    assert.ok(config.problems.length > 0, JSON.stringify(env));
    for (const { key, origin } of config.problems)
      assert.equal(origin.layer, 'environment variable', `${JSON.stringify(env)}: ${key}`);
  }
});
