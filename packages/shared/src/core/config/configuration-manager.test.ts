import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { Type } from 'typebox';
import { ConfigurationManager, type ConfigurationManagerOptions } from './configuration-manager.ts';
import {
  ConfigInvalidError,
  ConfigKeyError,
  ConfigStateError,
  ConfigSyntaxError,
  ConfigTypeError,
  ConfigUnreadableError,
} from './errors.ts';
import { Secret, SecretString } from './secret.ts';
import { variableFor } from './variable.ts';

const CANARY = 'canary-5b1e77';

const gateway = {
  path: 'core.api_gateway',
  schema: Type.Object({
    rest: Type.Object({
      host: Type.String({ default: '127.0.0.1' }),
      port: Type.Integer({ default: 8771, minimum: 0, maximum: 65_535 }),
    }),
    origins: Type.Array(Type.String(), { default: [] }),
    strict: Type.Boolean({ default: true }),
  }),
};
const security = {
  path: 'core.security',
  schema: Type.Object({ password: Type.Optional(SecretString()) }),
};
const inbox = {
  path: 'plugins.inbox',
  schema: Type.Object({ max_message_mib: Type.Integer({ default: 25 }) }),
};

interface Setup extends Pick<ConfigurationManagerOptions, 'env' | 'overrides'> {
  readonly user?: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly lightweight?: boolean;
}

async function folderFor(t: TestContext) {
  const folder = await mkdtemp(path.join(tmpdir(), 'aico-config-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const configFile = path.join(folder, 'config.yaml');
  return { configFile, environmentFile: (name: string) => path.join(folder, `${name}.yaml`) };
}

async function configure(
  t: TestContext,
  { user, files = {}, env = {}, overrides = {}, lightweight = false }: Setup = {},
) {
  const paths = await folderFor(t);
  if (user !== undefined) await writeFile(paths.configFile, user);
  for (const [name, text] of Object.entries(files)) await writeFile(paths.environmentFile(name), text);
  const config = new ConfigurationManager({ paths, env, overrides, sections: [gateway, security] });
  await config.initialize({ lightweight });
  return { config, paths };
}

async function problemsOf(t: TestContext, setup: Setup): Promise<ConfigInvalidError> {
  const error = await configure(t, setup).then(
    () => assert.fail('the configuration was accepted'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ConfigInvalidError, String(error));
  return error;
}

describe('layers', () => {
  test('a section has get() with a fallback, as in the guide', async (t) => {
    const { config } = await configure(t);
    const apiConfig = config.get('core.api_gateway', {});
    assert.equal(apiConfig.get('rest.port', 1), 8771);
    assert.equal(config.get('plugins.my_plugin', {}).get('anything', 'fallback'), 'fallback');
    assert.equal(config.get('environment', 'production'), 'development');
  });

  test('each layer overrides the one before, and explain() names the layer of a value', async (t) => {
    const setup: Setup = {
      files: { production: 'core:\n  api_gateway:\n    rest: { port: 1, host: "env" }\n    strict: false\n' },
      user: 'environment: production\ncore:\n  api_gateway:\n    rest:\n      port: 2\n      host: user\n',
      env: { AICO_CORE__API_GATEWAY__REST__PORT: '3', AICO_CORE__API_GATEWAY__ORIGINS: '[a, b]' },
    };
    const { config, paths } = await configure(t, setup);
    assert.equal(config.get('core.api_gateway.rest.port', 0), 3);
    assert.equal(config.get('core.api_gateway.rest.host', ''), 'user');
    assert.equal(config.get('core.api_gateway.strict', true), false);
    assert.deepEqual(config.get('core.api_gateway.origins', []), ['a', 'b']);
    assert.deepEqual(config.explain('core.api_gateway.rest.host')?.origin, {
      layer: 'user file',
      file: paths.configFile,
      line: 6,
      column: 7,
    });
    assert.equal(config.explain('core.api_gateway.strict')?.origin.layer, 'environment file');
    assert.deepEqual(config.explain('core.api_gateway.rest.port')?.origin, {
      layer: 'environment variable',
      variable: 'AICO_CORE__API_GATEWAY__REST__PORT',
    });
    config.set('core.api_gateway.rest.port', 4);
    assert.equal(config.get('core.api_gateway.rest.port', 0), 4);
    assert.equal(config.explain('core.api_gateway.rest.port')?.origin.layer, 'runtime');
  });

  test('for any subset of layers, the highest layer that sets a key decides', async (t) => {
    const paths = await folderFor(t);
    const port = fc.option(fc.integer({ min: 0, max: 65_535 }), { nil: undefined });
    const file = (value: number | undefined) =>
      value === undefined ? '' : `core:\n  api_gateway:\n    rest:\n      port: ${value}\n`;
    await fc.assert(
      fc.asyncProperty(port, port, port, port, async (environment, user, variable, runtime) => {
        await writeFile(paths.environmentFile('development'), file(environment));
        await writeFile(paths.configFile, file(user));
        const env = variable === undefined ? {} : { AICO_CORE__API_GATEWAY__REST__PORT: String(variable) };
        const overrides = runtime === undefined ? {} : { 'core.api_gateway.rest.port': runtime };
        const config = new ConfigurationManager({ paths, env, overrides, sections: [gateway] });
        await config.initialize();
        const expected = runtime ?? variable ?? user ?? environment ?? 8771;
        assert.equal(config.section(gateway).rest.port, expected);
      }),
      { numRuns: 60 },
    );
  });

  test('every declared key can be set by its environment variable', async (t) => {
    const { config } = await configure(t);
    const keys = config.entries().map(({ key }) => key);
    assert.ok(keys.includes('core.api_gateway.rest.port'));
    for (const key of keys.filter((name) => name !== 'environment')) {
      const value =
        typeof config.get(key) === 'boolean' ? 'false' : typeof config.get(key) === 'number' ? '7' : '[]';
      const again = await configure(t, { env: { [variableFor(key)]: value } });
      assert.equal(again.config.explain(key)?.origin.layer, 'environment variable', key);
    }
  });
});

describe('invalid configuration', () => {
  test('all problems are reported at once, with file, line and the nearest key', async (t) => {
    const user =
      'core:\n  api_gateway:\n    rest:\n      prot: 80\n      port: many\n    strickt: true\ncoer: {}\n';
    const error = await problemsOf(t, { user, env: { AICO_CORE__API_GATEWAY__REST__HOTS: 'x' } });
    const byKey = new Map(error.problems.map((problem) => [problem.key, problem]));
    assert.equal(byKey.get('core.api_gateway.rest.prot')?.nearest, 'core.api_gateway.rest.port');
    assert.equal(byKey.get('core.api_gateway.strickt')?.nearest, 'core.api_gateway.strict');
    assert.equal(byKey.get('core.api_gateway.rest.hots')?.nearest, 'core.api_gateway.rest.host');
    assert.equal(byKey.get('coer')?.nearest, 'core');
    assert.match(
      error.message,
      /config\.yaml:5:7: core\.api_gateway\.rest\.port must be an integer from 0 to 65535, not text/,
    );
    assert.match(error.message, /environment variable AICO_CORE__API_GATEWAY__REST__HOTS/);
    assert.equal(error.problems.length, 5);
  });

  test('an unknown environment is reported with the known ones', async (t) => {
    const error = await problemsOf(t, { env: { AICO_ENVIRONMENT: 'prodution' } });
    assert.match(error.message, /environment must be one of development, production, test/);
  });

  test('a file that is not YAML or has a duplicate key, an alias or no mapping is refused with line and column', async (t) => {
    const cases: Readonly<Record<string, RegExp>> = {
      'a: [1, 2': /config\.yaml:1:\d+/,
      'environment: test\nenvironment: test\n': /config\.yaml:2:1: .*duplicate key/,
      'a: &x 1\nb: *x\n': /config\.yaml:2:1/,
      '- 1\n- 2\n': /config\.yaml:1:1/,
      '__proto__: { polluted: 1 }\n': /config\.yaml:1:1/,
      'core: { constructor: { prototype: 1 } }\n': /config\.yaml:1:9/,
    };
    for (const [user, message] of Object.entries(cases)) {
      await assert.rejects(configure(t, { user }), (error) => {
        assert.ok(error instanceof ConfigSyntaxError, user);
        assert.match(error.message, message);
        return true;
      });
    }
    assert.equal('polluted' in {}, false);
  });

  test('an empty file is accepted, an unreadable one is refused', async (t) => {
    for (const user of ['', '# nothing\n', '---\n']) await configure(t, { user });
    const paths = await folderFor(t);
    const config = new ConfigurationManager({
      paths: { ...paths, configFile: path.dirname(paths.configFile) },
      env: {},
    });
    await assert.rejects(config.initialize(), ConfigUnreadableError);
  });

  test('lightweight: nothing is thrown, defaults replace invalid values, and problems lists them', async (t) => {
    const { config } = await configure(t, {
      lightweight: true,
      user: 'core: { api_gateway: { rest: { port: many, host: here } } }\nnonsense: 1\n',
    });
    assert.equal(config.get('core.api_gateway.rest.port', 0), 8771);
    assert.equal(config.get('core.api_gateway.rest.host', ''), 'here');
    assert.equal(config.problems.length, 2);
    await configure(t, { lightweight: true, user: ': : not yaml [' });
  });

  test('keys that name properties of Object.prototype are refused', async (t) => {
    const { config } = await configure(t);
    for (const key of ['', 'a..b', '__proto__.x', 'core.constructor', 'a.prototype']) {
      assert.throws(() => config.get(key), ConfigKeyError, key);
      assert.throws(() => config.set(key, 1), ConfigKeyError, key);
    }
    assert.throws(() => config.get('core.api_gateway.rest.port', 'text'), ConfigTypeError);
    assert.throws(() => new ConfigurationManager().get('a'), ConfigStateError);
  });
});

describe('plugins', () => {
  test('a plugin registers a section and gets it typed, frozen and with its defaults', async (t) => {
    const { config } = await configure(t, {
      user: 'plugins:\n  inbox:\n    max_message_mib: 3\n    enabled: false\n',
    });
    const section = config.registerSection(inbox);
    const limit: number = section.max_message_mib;
    assert.equal(limit, 3);
    assert.equal(config.get('plugins.inbox.enabled', true), false);
    assert.throws(() => Object.assign(section, { max_message_mib: 4 }), TypeError);
  });

  test('an invalid section is refused, and the other sections remain', async (t) => {
    const { config } = await configure(t, { user: 'plugins:\n  inbox:\n    max_mesage_mib: 3\n' });
    assert.throws(() => config.registerSection(inbox), /did you mean plugins\.inbox\.max_message_mib/);
    assert.equal(config.get('core.api_gateway.rest.port', 0), 8771);
  });

  test('the section of a plugin that is not loaded may have any content, none of which is shown', async (t) => {
    const { config } = await configure(t, {
      user: `plugins:\n  other:\n    module: ./x\n    key: ${CANARY}\n`,
    });
    assert.equal(config.get('plugins.other.module', ''), './x');
    assert.ok(!JSON.stringify(config.entries()).includes(CANARY));
    await problemsOf(t, { user: 'plugins:\n  other:\n    enabled: perhaps\n' });
  });
});

describe('secrets', () => {
  test('a secret is printed nowhere, and reveal() returns it', async (t) => {
    const { config } = await configure(t, { env: { AICO_CORE__SECURITY__PASSWORD: CANARY } });
    const { password } = config.section(security);
    assert.ok(password instanceof Secret);
    assert.equal(password.reveal(), CANARY);
    const printed = [
      `${password}`,
      String(password),
      JSON.stringify({ password, config, section: config.get('core.security', {}) }),
      inspect(config, { depth: 20 }),
      inspect(password, { showHidden: true }),
      JSON.stringify(config.entries()),
      JSON.stringify({ ...password }),
      inspect(config.explain('core.security.password')),
    ];
    for (const text of printed) assert.ok(!text.includes(CANARY), text);
  });

  test('no error repeats a value, wherever it was set', async (t) => {
    const wrong: readonly Setup[] = [
      { user: `core: { security: { pasword: ${CANARY} } }\n` },
      { user: `core: { security: { password: [${CANARY}] } }\n` },
      { user: `core: { api_gateway: { rest: { port: ${CANARY} } } }\n` },
      { user: `core: { security: { password: "${CANARY}\n` },
      { user: `${CANARY}` },
      { env: { AICO_ENVIRONMENT: CANARY } },
      { env: { AICO_CORE__SECURITY__PASWORD: CANARY } },
    ];
    for (const setup of wrong) {
      await assert.rejects(configure(t, setup), (error) => {
        assert.ok(!inspect(error, { depth: 20 }).includes(CANARY), inspect(error));
        return true;
      });
    }
  });
});

describe('set() and reload()', () => {
  test('set() overrides the files, which a reload reads again', async (t) => {
    const { config, paths } = await configure(t);
    config.set('core.api_gateway.strict', false);
    await writeFile(paths.configFile, 'core: { api_gateway: { rest: { port: 9 }, strict: true } }\n');
    await config.reload();
    assert.equal(config.get('core.api_gateway.strict', true), false);
    assert.equal(config.get('core.api_gateway.rest.port', 0), 9);
  });

  test('an invalid value changes nothing', async (t) => {
    const { config, paths } = await configure(t);
    const before = JSON.stringify(config);
    assert.throws(() => config.set('core.api_gateway.rest.port', 'many'), ConfigInvalidError);
    assert.throws(() => config.set('core.api_gateway.prot', 1), ConfigInvalidError);
    for (const text of ['core: { api_gateway: { rest: { port: -1 } } }\n', ': [']) {
      await writeFile(paths.configFile, text);
      await assert.rejects(config.reload());
    }
    assert.equal(JSON.stringify(config), before);
    assert.deepEqual(config.problems, []);
  });
});
