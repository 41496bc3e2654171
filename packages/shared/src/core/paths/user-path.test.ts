import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { AICOPaths } from './aico-paths.ts';
import { PathInvalidError } from './errors.ts';
import { homeFolder } from './platform-folders.ts';
import { shellQuoted } from './shell-quoted.ts';
import { isPathLike, resolveUserPath } from './user-path.ts';

const env = { HOME: '/home/me' };

describe('resolveUserPath()', { skip: process.platform === 'win32' }, () => {
  test('expands ~ to the home folder, and resolves a relative path against its base', () => {
    const resolved = (text: string): string => resolveUserPath(text, { base: '/base', env });
    for (const [text, expected] of [
      ['~', '/home/me'],
      ['~/', '/home/me'],
      ['~/Mail/old.mbox', '/home/me/Mail/old.mbox'],
      ['notes', '/base/notes'],
      ['./~', '/base/~'],
      ['../a', '/a'],
      ['/srv/~/x', '/srv/~/x'],
      ['~$report.docx', '/base/~$report.docx'],
      [' a ', '/base/ a '],
    ] as const)
      assert.equal(resolved(text), expected, text);
  });

  test('refuses text that is not a path, and ~user unless a folder has this name', async (t) => {
    for (const text of ['', '  ', 'a\0b', '~no-such-user', '~no-such-user/x'])
      assert.throws(() => resolveUserPath(text, { env }), PathInvalidError, JSON.stringify(text));
    const base = await mkdtemp(path.join(tmpdir(), 'aico-user-path-'));
    t.after(() => rm(base, { recursive: true }));
    await mkdir(path.join(base, '~no-such-user'));
    assert.equal(resolveUserPath('~no-such-user/x', { base, env }), path.join(base, '~no-such-user', 'x'));
  });

  test('isPathLike() distinguishes a path from the name of a package', () => {
    for (const text of ['.', './a', '../a', '/a', '~', '~/a']) assert.ok(isPathLike(text), text);
    for (const text of ['a', '@scope/a', '~a', '.a', '...']) assert.ok(!isPathLike(text), text);
  });
});

test('an empty or relative variable puts nothing below the current folder', {
  skip: process.platform === 'win32',
}, () => {
  const names = [
    'HOME',
    'XDG_CONFIG_HOME',
    'XDG_DATA_HOME',
    'XDG_STATE_HOME',
    'XDG_CACHE_HOME',
    'XDG_RUNTIME_DIR',
  ];
  for (const value of ['', 'relative', './relative', '~/x']) {
    const variables = Object.fromEntries(names.map((name) => [name, value]));
    assert.equal(homeFolder(variables), userInfo().homedir);
    const { configDir, dataDir, stateDir, cacheDir, runtimeDir } = new AICOPaths({ env: variables });
    for (const folder of [configDir, dataDir, stateDir, cacheDir, runtimeDir])
      assert.ok(folder.startsWith(userInfo().homedir), `${value}: ${folder}`);
  }
  assert.equal(new AICOPaths({ env: { ...env, AICO_HOME: '~/aico' } }).home, '/home/me/aico');
});

test('shellQuoted() returns a plain word unchanged and quotes every other text', {
  skip: process.platform === 'win32',
}, () => {
  assert.equal(shellQuoted('/srv/aico-1.2'), '/srv/aico-1.2');
  assert.equal(shellQuoted("/srv/my $notes'"), "'/srv/my $notes'\\'''");
  assert.equal(shellQuoted(''), "''");
});
