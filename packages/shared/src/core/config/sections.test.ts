import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type TObject, Type } from 'typebox';
import { ConfigurationManager, type ConfigurationManagerOptions } from './configuration-manager.ts';
import { ConfigInvalidError, ConfigSchemaError, ConfigStateError, ConfigTypeError } from './errors.ts';
import { defineSection, type SectionDefinition } from './sections.ts';

const number = Type.Integer({ default: 1 });

async function ready(options: ConfigurationManagerOptions, lightweight = false) {
  const config = new ConfigurationManager({ env: {}, ...options });
  await config.initialize({ lightweight });
  return config;
}

describe('an invalid section', () => {
  const refused: Readonly<Record<string, readonly SectionDefinition[]>> = {
    'twice the same': [defineSection('core.a', Type.Object({})), defineSection('core.a', Type.Object({}))],
    'above another': [defineSection('core.a', Type.Object({})), defineSection('core', Type.Object({}))],
    'below another': [defineSection('core', Type.Object({})), defineSection('core.a', Type.Object({}))],
    'the environment': [defineSection('environment', Type.Object({}))],
    'all plugins': [defineSection('plugins', Type.Object({}))],
    'inside a plugin': [defineSection('plugins.a.b', Type.Object({}))],
    'the variable of the home': [defineSection('home', Type.Object({}))],
    'an empty word': [defineSection('core..a', Type.Object({}))],
    'a property of Object.prototype': [defineSection('core.__proto__', Type.Object({}))],
    "a plugin's common key": [defineSection('plugins.a', Type.Object({ enabled: number }))],
    'a key with a dot': [defineSection('core.a', Type.Object({ 'a.b': number }))],
    'a key that no variable can spell': [
      defineSection('core.a', Type.Object({ b: Type.Object({ a__b: number }) })),
    ],
    'two keys with one variable': [defineSection('core.a', Type.Object({ 'a-b': number, a_b: number }))],
    'two sections with one variable': [
      defineSection('core.a-b', Type.Object({})),
      defineSection('core.a_b', Type.Object({})),
    ],
  };
  for (const [name, sections] of Object.entries(refused)) {
    test(`${name} is refused`, async () => {
      assert.throws(() => new ConfigurationManager({ sections }), ConfigSchemaError);
      const [first, ...late] = sections;
      const config = await ready({ sections: first === undefined || late.length === 0 ? [] : [first] });
      assert.throws(() => {
        for (const section of late.length === 0 ? sections : late) config.registerSection(section);
      }, ConfigSchemaError);
      assert.equal(config.get('environment', ''), 'development', 'what stood still stands');
    });
  }
});

describe('a schema applies at every depth', () => {
  const shape = (properties: TObject['properties']) => [defineSection('core.a', Type.Object(properties))];
  const problems = async (properties: TObject['properties'], value: unknown) => {
    const config = await ready({ sections: shape(properties), overrides: { 'core.a': value } }, true);
    return config.problems.map(({ key, message }) => `${key} ${message}`);
  };

  test('an unknown key is found in items of lists, in records and in unions, too', async () => {
    const item = Type.Object({ host: Type.String() });
    assert.deepEqual(
      await problems({ list: Type.Array(item) }, { list: [{ host: 'a' }, { host: 'b', hots: 'c' }] }),
      ['core.a.list.1.hots is not a known key'],
    );
    assert.deepEqual(
      await problems({ by: Type.Record(Type.String(), item) }, { by: { x: { host: 'a', y: 1 } } }),
      ['core.a.by.x.y is not a known key'],
    );
    const choice = Type.Union([item, Type.Object({ socket: Type.String() })]);
    assert.deepEqual(await problems({ at: choice }, { at: { host: 'a', sokcet: 1 } }), [
      'core.a.at.sokcet is not a known key',
    ]);
  });

  test('defaults are filled in within present items, records and sections, but do not create optional ones', async () => {
    const item = Type.Object({ name: Type.Optional(Type.String()), size: Type.Integer({ default: 5 }) });
    const [section] = shape({
      list: Type.Array(item, { default: [{}] }),
      by: Type.Record(Type.String(), item, { default: {} }),
      given: Type.Optional(Type.Object({ must: Type.String(), size: number })),
      absent: Type.Optional(Type.Object({ must: Type.String() })),
    });
    assert.ok(section);
    const config = await ready({
      sections: [section],
      overrides: { 'core.a': { by: { x: { name: 'y' } }, given: { must: 'be' }, absent: null } },
    });
    assert.equal(
      JSON.stringify(config.get('core.a', {})),
      '{"list":[{"size":5}],"by":{"x":{"name":"y","size":5}},"given":{"must":"be","size":1}}',
    );
  });

  test('a constraint on a whole section is checked, also for plugins', async () => {
    const range = Type.Refine(
      Type.Object({ least: number, most: Type.Integer({ default: 9 }) }),
      ({ least, most }) => least <= most,
    );
    assert.ok(
      Type.IsObject(range),
      'to the type checker a refined section is none; a plugin loader finds it so',
    );
    const section = { path: 'plugins.range', schema: range };
    const config = await ready({ overrides: { 'plugins.range': { least: 10 } } });
    assert.throws(
      () => config.registerSection(section),
      /plugins\.range has keys that do not match each other/,
    );
    const other = await ready({ overrides: { 'plugins.range': { least: 2 } } });
    assert.equal(other.registerSection(section) && other.get('plugins.range.most', 0), 9);
  });

  test('a default that does not match its own schema is a problem', async () => {
    assert.deepEqual(await problems({ port: Type.Integer({ default: 'many' }) }, {}), [
      'core.a.port must be an integer, not text',
    ]);
  });
});

describe('reading', () => {
  test('get() returns the type of its fallback or throws, and never casts', async () => {
    const sections = [
      defineSection(
        'core.a',
        Type.Object({ port: number, tags: Type.Array(Type.String(), { default: ['x'] }) }),
      ),
    ];
    const config = await ready({ sections });
    const port: number = config.get('core.a.port', 2);
    const tags: readonly unknown[] = config.get('core.a.tags', []);
    assert.deepEqual([port, tags, config.get('core.a.nothing', null)], [1, ['x'], null]);
    assert.equal(config.get('core.a.port', null), 1);
    for (const fallback of ['text', true, [], {}]) {
      assert.throws(() => config.get('core.a.port', fallback), ConfigTypeError);
    }
    assert.throws(() => config.get('core.a', 1), ConfigTypeError);
    assert.deepEqual(config.get('core.a', {}).toObject(), { port: 1, tags: ['x'] });
  });

  test('lightweight returns present values, and refuses a section that lacks a required key', async () => {
    const needy = defineSection('core.needy', Type.Object({ must: Type.String() }));
    const fine = defineSection('core.fine', Type.Object({ port: number }));
    const config = await ready({ sections: [needy, fine] }, true);
    assert.equal(config.section(fine).port, 1);
    assert.throws(() => config.section(needy), /core\.needy\.must is required \(as AICO_CORE__NEEDY__MUST/);
    assert.throws(() => config.set('core.fine.port', 'many'), ConfigInvalidError);
    assert.equal(config.get('core.fine.port', 0), 1);
    config.set('core.needy.must', 'be');
    assert.equal(config.section(needy).must, 'be');
    assert.throws(() => config.section(defineSection('core.fine', Type.Object({}))), ConfigStateError);
  });

  test('values passed by code are copied, so that the code can change them afterwards', async () => {
    const sections = [
      defineSection('core.a', Type.Object({ tags: Type.Array(Type.String(), { default: [] }) })),
    ];
    const config = await ready({ sections });
    const tags = ['x'];
    config.set('core.a.tags', tags);
    tags.push('y');
    assert.deepEqual(config.get('core.a.tags', []), ['x']);
    const loop: unknown[] = [];
    loop.push(loop);
    for (const value of [
      loop,
      new Map(),
      () => 1,
      new Date(0),
      undefined,
      1n,
      JSON.parse('{"__proto__":{"x":1}}'),
    ])
      assert.throws(() => config.set('core.a.tags', value), ConfigInvalidError);
    assert.deepEqual(config.get('core.a.tags', []), ['x']);
  });
});
