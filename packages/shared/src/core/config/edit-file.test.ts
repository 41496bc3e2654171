import assert from 'node:assert/strict';
import { lstat, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { parse, stringify } from 'yaml';
import { editConfigFile, editingConfigFile } from './edit-file.ts';
import { ConfigKeyError, ConfigSyntaxError } from './errors.ts';

const MODULE = ['plugins', 'inbox', 'module'];

async function fileIn(t: TestContext, text?: string): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'aico-edit-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = path.join(folder, 'config.yaml');
  if (text !== undefined) await writeFile(file, text);
  return file;
}

describe('editing the configuration file', () => {
  test('creates a private file if there is none, and removes a key together with sections that become empty', async (t) => {
    const file = await fileIn(t);
    assert.equal(await editConfigFile(file, MODULE, '/srv/inbox'), true);
    assert.equal(await readFile(file, 'utf8'), 'plugins:\n  inbox:\n    module: /srv/inbox\n');
    if (process.platform !== 'win32') assert.equal((await stat(file)).mode & 0o777, 0o600);
    assert.equal(await editConfigFile(file, MODULE, '/srv/inbox'), false);
    assert.equal(await editConfigFile(file, MODULE, undefined), true);
    assert.equal(await editConfigFile(file, MODULE, undefined), false);
    assert.equal(parse(await readFile(file, 'utf8')).plugins, undefined);
    assert.deepEqual(await readdir(path.dirname(file)), ['config.yaml', 'config.yaml.guard']);
  });

  test('preserves every other line, including comments', async (t) => {
    const text = '# mine\ncore:\n  logging: { level: debug } # loud\n\n# below\nplugins:\n  # nothing here\n';
    const file = await fileIn(t, text);
    await editConfigFile(file, MODULE, '/srv/inbox');
    const edited = await readFile(file, 'utf8');
    for (const line of text.trimEnd().split('\n')) assert.ok(edited.includes(line), line);
    assert.match(edited, /module: \/srv\/inbox/);
    await editConfigFile(file, [...MODULE.slice(0, 2), 'max_message_mib'], 5);
    await editConfigFile(file, MODULE, undefined);
    assert.deepEqual(parse(await readFile(file, 'utf8')).plugins, { inbox: { max_message_mib: 5 } });
  });

  test('does not change an invalid file', async (t) => {
    for (const text of ['plugins: 5\n', 'plugins:\n  inbox: [1]\n', 'a: 1\na: 2\n', '- a list\n', '{']) {
      const file = await fileIn(t, text);
      await assert.rejects(editConfigFile(file, MODULE, 'x'), ConfigSyntaxError, text);
      assert.equal(await readFile(file, 'utf8'), text);
    }
  });

  test('loses no change of another command', async (t) => {
    const file = await fileIn(t);
    const names = Array.from({ length: 8 }, (_, index) => `p${index}`);
    await Promise.all(names.map((name) => editConfigFile(file, ['plugins', name, 'module'], name)));
    assert.deepEqual(Object.keys(parse(await readFile(file, 'utf8')).plugins).sort(), names);
  });

  test('restores the earlier text if the work fails, unless an editor has changed the file meanwhile', async (t) => {
    const text = '# mine\nplugins:\n  inbox:\n    enabled: false # for now\n';
    for (const before of [undefined, text]) {
      const file = await fileIn(t, before);
      const failing = (meanwhile: () => Promise<void>) =>
        editingConfigFile(file, async (edit) => {
          await edit(MODULE, 'x');
          await edit(['plugins', 'inbox', 'enabled'], undefined);
          await meanwhile();
          throw new Error('it does not start');
        });
      await assert.rejects(
        failing(async () => {}),
        /it does not start/,
      );
      assert.equal(await readFile(file, 'utf8').catch(() => undefined), before);
      const other = 'environment: test\n';
      await assert.rejects(
        failing(() => writeFile(file, other)),
        /it does not start/,
      );
      assert.equal(await readFile(file, 'utf8'), other);
    }
  });

  test('preserves a symbolic link', async (t) => {
    const target = await fileIn(t, 'environment: test\n');
    const link = `${target}.link.yaml`;
    await symlink(target, link);
    await editConfigFile(link, MODULE, 'x');
    assert.ok((await lstat(link)).isSymbolicLink());
    assert.deepEqual(parse(await readFile(target, 'utf8')).plugins, { inbox: { module: 'x' } });
  });

  test('refuses an invalid key before anything is written', async (t) => {
    const file = await fileIn(t);
    for (const word of ['constructor', 'prototype', '__proto__', '', 'a.b', 'a__b', '-a', 'ü'])
      await assert.rejects(editConfigFile(file, ['plugins', word, 'module'], 'x'), ConfigKeyError, word);
    assert.deepEqual(await readdir(path.dirname(file)), []);
  });

  test('removes a key from an invalid file, since this may repair it', async (t) => {
    for (const wrong of ['constructor', 'a.b']) {
      const file = await fileIn(t, `core: {}\nplugins:\n  ${wrong}:\n    module: ./x\n`);
      await assert.rejects(editConfigFile(file, MODULE, 'x'), ConfigSyntaxError);
      assert.equal(await editConfigFile(file, ['plugins', wrong, 'module'], undefined), true);
      assert.equal(await editConfigFile(file, MODULE, 'x'), true);
    }
  });

  test('changes one key and nothing else, for any content of the file', async (t) => {
    const word = fc.stringMatching(/^[a-z]{1,3}$/);
    const value = fc.oneof(fc.string(), fc.integer(), fc.boolean());
    const { tree } = fc.letrec<{ tree: Record<string, unknown> }>((tie) => ({
      tree: fc.dictionary(word, fc.oneof({ depthSize: 'small' }, value, tie('tree')), {
        maxKeys: 4,
        noNullPrototype: true,
      }),
    }));
    const file = await fileIn(t);
    await fc.assert(
      fc.asyncProperty(tree, value, async (before, set) => {
        await writeFile(file, stringify(before));
        await editConfigFile(file, ['zzzz', 'b', 'c'], set);
        assert.deepEqual(parse(await readFile(file, 'utf8')), { ...before, zzzz: { b: { c: set } } });
        await editConfigFile(file, ['zzzz', 'b', 'c'], undefined);
        assert.deepEqual(parse(await readFile(file, 'utf8')) ?? {}, before);
      }),
      { numRuns: 60 },
    );
  });
});
