/** An empty value must not extend access: no text of the configuration may be empty unless its schema allows it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigInvalidError, ConfigurationManager, Secret, variableFor } from '@aico/shared/core/config';
import { Type } from 'typebox';
import { coreSections } from '../src/composition/core-sections.ts';

interface TextKey {
  readonly key: string;
  readonly isList: boolean;
}

/** Every key of the sections whose value is text, a secret, or a list of text. */
function* textKeys(path: string, schema: Type.TSchema): Generator<TextKey> {
  if (Type.IsObject(schema))
    for (const [word, property] of Object.entries(schema.properties))
      yield* textKeys(`${path}.${word}`, property);
  else if ('type' in schema && schema.type === 'string' && !('enum' in schema))
    yield { key: path, isList: false };
  else if (Type.IsArray(schema) && Type.IsString(schema.items)) yield { key: path, isList: true };
}

const KEYS = coreSections.flatMap(({ path, schema }) => [...textKeys(path, schema)]);

test('the keys under test include the host of the public port', () => {
  assert.ok(KEYS.some(({ key }) => key === 'core.api_gateway.rest.host'));
  assert.ok(KEYS.some(({ key }) => key === 'core.security.password'));
});

for (const { key, isList } of KEYS)
  for (const blank of ['', '  '])
    test(`${key} = "${blank}" is refused, as a variable and at run time`, async () => {
      const text = isList ? JSON.stringify([blank]) : blank;
      const byVariable = new ConfigurationManager({
        sections: coreSections,
        env: { [variableFor(key)]: text },
      });
      await assert.rejects(byVariable.initialize(), (error: unknown) => {
        assert.ok(error instanceof ConfigInvalidError);
        assert.match(error.message, /must not be empty/);
        assert.match(error.message, new RegExp(variableFor(key)));
        return true;
      });
      const atRunTime = new ConfigurationManager({
        sections: coreSections,
        env: {},
        overrides: { [key]: isList ? [blank] : blank },
      });
      await assert.rejects(atRunTime.initialize(), ConfigInvalidError);
    });

for (const key of ['core.api_gateway.rest.host', 'core.message_bus.broker.host']) {
  const read = (host: string) =>
    new ConfigurationManager({ sections: coreSections, env: {}, overrides: { [key]: host } }).initialize();

  for (const host of [
    '0',
    '0x0',
    '127.1',
    '*',
    '[::1]',
    '0.0.0.0 ',
    '::%eth',
    '256.1.1.1',
    'a..b',
    '-a',
    'http://a',
  ])
    test(`${key} = "${host}" is refused when the configuration is read`, () =>
      assert.rejects(read(host), (error: unknown) => {
        assert.ok(error instanceof ConfigInvalidError);
        assert.match(error.message, /an IP address or a host name/);
        return true;
      }));

  for (const host of [
    '127.0.0.1',
    '0.0.0.0',
    '::',
    '::1',
    'fe80::1%eth0',
    'localhost',
    'desk.local',
    'my-host-2',
  ])
    test(`${key} = "${host}" is accepted`, () => read(host));
}

test('a section of a plugin is checked in the same way, and empty text is accepted if its schema allows it', async () => {
  const schema = Type.Object({
    name: Type.String({ default: 'x' }),
    suffix: Type.String({ default: '', minLength: 0 }),
  });
  const read = async (overrides: Record<string, unknown>): Promise<void> => {
    const config = new ConfigurationManager({
      sections: [{ path: 'plugins.p', schema }],
      env: {},
      overrides,
    });
    await config.initialize();
  };
  await read({ 'plugins.p.suffix': '' });
  await assert.rejects(read({ 'plugins.p.name': '' }), ConfigInvalidError);
  await assert.rejects(read({ 'plugins.p.name': new Secret('') }), ConfigInvalidError);
});
