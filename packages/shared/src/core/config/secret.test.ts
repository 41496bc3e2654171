import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { format, inspect } from 'node:util';
import fc from 'fast-check';
import { Type } from 'typebox';
import { stringify } from 'yaml';
import { ConfigurationManager } from './configuration-manager.ts';
import { Secret, SecretString } from './secret.ts';
import { defineSection } from './sections.ts';

const CANARY = 'canary-77ab1f';

const vault = defineSection(
  'core.vault',
  Type.Object({
    password: Type.Optional(SecretString({ minLength: 3 })),
    tokens: Type.Optional(Type.Array(SecretString())),
    by_name: Type.Optional(Type.Record(Type.String(), SecretString())),
    servers: Type.Optional(Type.Array(Type.Object({ port: Type.Integer(), key: SecretString() }))),
    login: Type.Optional(
      Type.Union([
        Type.Object({ kind: Type.Literal('key'), key: SecretString() }),
        Type.Object({ kind: Type.Literal('none') }),
      ]),
    ),
    port: Type.Integer({ default: 1 }),
  }),
);

/** Every textual form of a configuration. */
function printed(config: ConfigurationManager): string {
  const deep = { depth: 30, showHidden: true };
  return [
    inspect(config, deep),
    JSON.stringify(config),
    JSON.stringify(config.entries()),
    inspect(config.entries(), deep),
    JSON.stringify(config.get('core', {})),
    inspect(config.get('core', {}).toObject(), deep),
    JSON.stringify(config.get('plugins', {})),
    inspect(config.problems, deep),
  ].join('\n');
}

async function folder(t: TestContext): Promise<string> {
  const made = await mkdtemp(path.join(tmpdir(), 'aico-secret-'));
  t.after(() => rm(made, { recursive: true, force: true }));
  return made;
}

test('only reveal() returns the value of a secret', () => {
  const secret = new Secret(CANARY);
  const ways = [
    `${secret}`,
    `${Number(secret)}`,
    JSON.stringify({ secret, list: [secret], ...secret }),
    format('%s %o %O %j %d', secret, secret, secret, secret, secret),
    inspect(secret, { showHidden: true, getters: true, customInspect: false }),
    inspect({ deep: { secret } }),
    JSON.stringify(Object.entries(secret)),
    JSON.stringify(structuredClone(secret)),
    String(Object.getOwnPropertyNames(secret)),
    new Error(`wrong: ${secret}`).message,
  ];
  for (const way of ways) assert.ok(!way.includes(CANARY), way);
  assert.equal(secret.reveal(), CANARY);
  assert.ok(secret.equals(new Secret(CANARY)) && !secret.equals(new Secret('x')));
});

describe('a secret anywhere in a schema', () => {
  test('is a Secret when it is read from a list, a record, an item or a union, and is printed nowhere', async () => {
    const config = new ConfigurationManager({
      env: { AICO_CORE__VAULT__TOKENS: `[${CANARY}]`, AICO_CORE__VAULT__BY_NAME__ANNA: CANARY },
      sections: [vault],
      overrides: {
        'core.vault.servers': [{ port: 1, key: CANARY }],
        'core.vault.login': { kind: 'key', key: new Secret(CANARY) },
        'core.vault.password': new Secret(CANARY),
        'plugins.absent.token': CANARY,
      },
    });
    await config.initialize();
    const { tokens, by_name, servers, login, password } = config.section(vault);
    const key = login?.kind === 'key' ? login.key : undefined;
    for (const secret of [tokens?.[0], by_name?.anna, servers?.[0]?.key, key, password]) {
      assert.ok(secret instanceof Secret);
      assert.equal(secret.reveal(), CANARY);
    }
    assert.ok(!printed(config).includes(CANARY), printed(config));
    assert.ok(Object.isFrozen(servers) && Object.isFrozen(servers?.[0]));
  });

  test('is told to those who redact secrets: at once, and when a value, a section or the files change', async () => {
    const config = new ConfigurationManager({
      env: { AICO_CORE__VAULT__TOKENS: '[first-token]' },
      sections: [vault],
      overrides: { 'core.vault.servers': [{ port: 1, key: 'server-key' }], 'plugins.late.key': 'late-key' },
    });
    const heard = new Set<string>();
    config.onSecrets((values) => {
      for (const value of values) heard.add(value);
    });
    await config.initialize();
    assert.deepEqual([...heard].sort(), ['first-token', 'server-key']);
    const late = new Set<string>();
    config.onSecrets((values) => {
      for (const value of values) late.add(value);
    });
    assert.deepEqual(late, heard);
    config.set('core.vault.login', { kind: 'key', key: 'login-key' });
    config.registerSection(defineSection('plugins.late', Type.Object({ key: SecretString() })));
    for (const each of [heard, late])
      assert.deepEqual([...each].sort(), ['first-token', 'late-key', 'login-key', 'server-key']);
  });

  test('is refused as the value of a key that is not secret', async () => {
    const config = new ConfigurationManager({ env: {}, sections: [vault] });
    await config.initialize();
    assert.throws(
      () => config.set('core.vault.port', new Secret(CANARY)),
      /must be an integer, not a secret/,
    );
  });
});

test('is repeated by no error and no dump, even if it is in the wrong place', async (t) => {
  const home = await folder(t);
  const paths = {
    configFile: path.join(home, 'config.yaml'),
    environmentFile: () => path.join(home, 'none'),
  };
  const places = fc.constantFrom(
    'core.vault.password',
    'core.vault.pasword',
    'core.vault.tokens',
    'core.vault.by_name',
    'core.vault.servers',
    'core.vault.login',
    'core.vault.port',
    'core.vault',
    'core',
    'environment',
    'core.unknown.deep',
    'plugins.absent.token',
    'plugins.absent.enabled',
    'plugins.absent',
    'nonsense',
  );
  const shape = fc.constantFrom<(value: string) => unknown>(
    (value) => value,
    (value) => [value],
    (value) => ({ key: value }),
    (value) => [{ key: value, port: value }],
    (value) => ({ kind: value, key: [value] }),
    (value) => `"${value}`,
    (value) => ({ a: { b: { c: value } } }),
  );
  await fc.assert(
    fc.asyncProperty(
      places,
      shape,
      fc.constantFrom('file', 'text', 'variable', 'set'),
      async (key, form, way) => {
        const value = form(CANARY);
        const variable = `AICO_${key.toUpperCase().replaceAll('.', '__')}`;
        const text = typeof value === 'string' ? value : JSON.stringify(value);
        const tree = key.split('.').reduceRight<unknown>((below, word) => ({ [word]: below }), value);
        // As text the file may not even be YAML: `"canary` has no end.
        await writeFile(
          paths.configFile,
          way === 'file' ? stringify(tree) : way === 'text' ? `${key}: ${text}` : '',
        );
        const options = {
          paths,
          sections: [vault],
          env: way === 'variable' ? { [variable]: text } : {},
          overrides: way === 'set' ? { [key]: value } : {},
        };
        const strict = new ConfigurationManager(options);
        const said = await strict.initialize().then(
          () => printed(strict),
          (error: unknown) => inspect(error, { depth: 30, showHidden: true }),
        );
        assert.ok(!said.includes(CANARY), said);
        const tolerant = new ConfigurationManager(options);
        await tolerant.initialize({ lightweight: true });
        assert.ok(!printed(tolerant).includes(CANARY), printed(tolerant));
      },
    ),
    { numRuns: 250 },
  );
});
