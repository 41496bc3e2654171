import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { AICOPaths } from './aico-paths.ts';
import { writePrivateFile } from './durable-files.ts';
import { HomeDanglingError, HomeDeniedError, HomeForeignError, HomeNotFolderError } from './errors.ts';

async function temporary(t: TestContext): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'aico-paths-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

describe('AICOPaths', () => {
  test('AICO_HOME puts everything under one folder, and an argument takes precedence', async (t) => {
    const folder = await temporary(t);
    const paths = new AICOPaths({ env: { AICO_HOME: folder } });
    const all = [
      paths.configFile,
      paths.databaseFile,
      paths.keyFile,
      paths.keySlotsFile,
      paths.lockFile,
      paths.instanceFile,
    ];
    for (const file of all) assert.ok(file.startsWith(folder + path.sep), file);
    assert.equal(new AICOPaths({ home: '/elsewhere', env: { AICO_HOME: folder } }).home, '/elsewhere');
  });

  test('without AICO_HOME the folders are those of the platform, and ensure() creates them', async (t) => {
    const folder = await temporary(t);
    const paths = new AICOPaths({ home: path.join(folder, 'later') });
    assert.deepEqual(await readdir(folder), []);
    assert.ok(path.isAbsolute(new AICOPaths({ env: {} }).dataDir));
    paths.ensure();
    assert.ok((await stat(paths.dataDir)).isDirectory());
  });

  test('every folder is made private; the mode of the home itself is not changed', async (t) => {
    const folder = await temporary(t);
    await chmod(folder, 0o755);
    const paths = new AICOPaths({ home: folder });
    await mkdir(paths.dataDir, { mode: 0o777 });
    await chmod(paths.dataDir, 0o777);
    paths.ensure();
    for (const name of await readdir(folder)) {
      assert.equal((await stat(path.join(folder, name))).mode & 0o777, 0o700, name);
    }
    assert.equal((await stat(folder)).mode & 0o777, 0o755);
  });

  test('a home that is a file, below a file, or a dangling link is refused, each with its own error', async (t) => {
    const folder = await temporary(t);
    const file = path.join(folder, 'file');
    await writeFile(file, '');
    const link = path.join(folder, 'link');
    await symlink(path.join(folder, 'nowhere', 'deep'), link);
    const refused = (home: string, error: new (...rest: never[]) => Error) =>
      assert.throws(() => new AICOPaths({ home }).ensure(), error, home);
    refused(file, HomeNotFolderError);
    refused(path.join(file, 'below'), HomeNotFolderError);
    refused(link, HomeDanglingError);
    refused(path.join(link, 'below'), HomeDanglingError);
    assert.deepEqual((await readdir(folder)).sort(), ['file', 'link']);
  });

  test('a folder inside the home that is a file or a dangling link is refused', async (t) => {
    const folder = await temporary(t);
    const paths = new AICOPaths({ home: folder });
    await writeFile(paths.dataDir, 'mine');
    assert.throws(() => paths.ensure(), HomeNotFolderError);
    await rm(paths.dataDir);
    await symlink('/nowhere/at/all', paths.dataDir);
    assert.throws(() => paths.ensure(), HomeDanglingError);
    await rm(paths.dataDir);
    const elsewhere = path.join(folder, 'disk');
    await mkdir(elsewhere, { mode: 0o755 });
    await symlink(elsewhere, paths.dataDir);
    paths.ensure();
    assert.equal((await stat(elsewhere)).mode & 0o777, 0o700);
  });

  test('a home that the user may not write to, or does not own, is refused', {
    skip: notRoot(),
  }, async (t) => {
    const folder = await temporary(t);
    await chmod(folder, 0o755);
    const closed = path.join(folder, 'closed');
    await mkdir(closed, { mode: 0o700 });
    assert.match(await ensureAsNobody(closed), /^HomeDeniedError AICO_PATHS_DENIED/);
    assert.match(await ensureAsNobody(path.join(closed, 'below')), /^HomeDeniedError/);
    const open = path.join(folder, 'open');
    await mkdir(path.join(open, 'config'), { recursive: true });
    await chmod(open, 0o777);
    assert.match(await ensureAsNobody(open), /^HomeExposedError AICO_PATHS_EXPOSED/);
    // The sticky bit keeps strangers from renaming: now only the folder inside is wrong.
    await chmod(open, 0o1777);
    assert.match(await ensureAsNobody(open), /^HomeForeignError AICO_PATHS_FOREIGN/);
    assert.deepEqual(await readdir(open), ['config']);
  });

  test('a home, or a folder above it, that another user could replace is refused', {
    skip: notRoot(),
  }, async (t) => {
    const folder = await temporary(t);
    await chmod(folder, 0o755);
    for (const [owner, mode, expected] of [
      [1, 0o777, 'HomeForeignError AICO_PATHS_FOREIGN\n'],
      [1, 0o1777, 'HomeForeignError AICO_PATHS_FOREIGN\n'],
      [0, 0o777, 'HomeExposedError AICO_PATHS_EXPOSED\n'],
      [65_534, 0o777, 'HomeExposedError AICO_PATHS_EXPOSED\n'],
      [0, 0o1777, 'made\n'],
      [65_534, 0o755, 'made\n'],
    ] as const) {
      const above = path.join(folder, `${owner}-${mode.toString(8)}`);
      await mkdir(above);
      await chown(above, owner, owner);
      await chmod(above, mode);
      assert.equal(await ensureAsNobody(above), expected, above);
      assert.equal(await ensureAsNobody(path.join(above, 'home')), expected, `${above}/home`);
    }
  });

  test('the same as an ordinary user', { skip: notRoot() === false && 'root ignores modes' }, async (t) => {
    const folder = await temporary(t);
    const closed = path.join(folder, 'closed');
    await mkdir(closed, { mode: 0o500 });
    assert.throws(() => new AICOPaths({ home: closed }).ensure(), HomeDeniedError);
  });

  test('the XDG folders are those of the given variables, and relative ones are ignored', {
    skip: process.platform !== 'linux' && 'Linux has these',
  }, () => {
    const env = {
      HOME: '/home/me',
      XDG_CONFIG_HOME: '/c',
      XDG_DATA_HOME: 'relative',
      XDG_RUNTIME_DIR: '/run/me',
    };
    const paths = new AICOPaths({ env });
    assert.equal(paths.home, undefined);
    assert.equal(paths.configDir, '/c/aico');
    assert.equal(paths.dataDir, '/home/me/.local/share/aico');
    assert.equal(paths.stateDir, '/home/me/.local/state/aico');
    assert.equal(paths.cacheDir, '/home/me/.cache/aico');
    assert.equal(paths.socketFile, '/run/me/aico/api.sock');
    assert.equal(new AICOPaths({ home: '', env }).configDir, '/c/aico', 'an empty home is none');
  });

  test('the path of the socket is short enough for the system, however deep the home is', async (t) => {
    const folder = await temporary(t);
    const deep = path.join(folder, 'a'.repeat(120));
    const paths = new AICOPaths({ home: deep });
    assert.ok(Buffer.byteLength(paths.socketFile) <= 103);
    assert.equal(paths.socketFile, new AICOPaths({ home: deep }).socketFile);
    assert.notEqual(paths.socketFile, new AICOPaths({ home: `${deep}b` }).socketFile);
    paths.ensure();
    t.after(() => rm(path.dirname(paths.socketFile), { recursive: true, force: true }));
    assert.equal((await stat(path.dirname(paths.socketFile))).mode & 0o777, 0o700);
  });

  test('a short folder for the socket that another user has created is not used', async (t) => {
    const folder = await temporary(t);
    const paths = new AICOPaths({ home: path.join(folder, 'b'.repeat(120)) });
    const place = path.dirname(paths.socketFile);
    t.after(() => rm(place, { recursive: true, force: true }));
    const trap = path.join(folder, 'trap');
    await mkdir(trap, { mode: 0o755 });
    await symlink(trap, place);
    assert.throws(() => paths.ensure(), HomeNotFolderError);
    assert.equal((await stat(trap)).mode & 0o777, 0o755, 'what the link leads to is not touched');
    await rm(place);
    if (notRoot()) return;
    await mkdir(place);
    await chown(place, 65_534, 65_534);
    assert.throws(() => paths.ensure(), HomeForeignError, 'not even root takes over a folder in /tmp');
  });
});

function notRoot(): string | false {
  return process.getuid?.() === 0 ? false : 'only root can become another user';
}

/** Runs `ensure()` as another user, in a child process, and returns its output. */
async function ensureAsNobody(home: string): Promise<string> {
  const script = `
    const { AICOPaths } = await import(${JSON.stringify(new URL('./aico-paths.ts', import.meta.url).href)});
    try { new AICOPaths({ home: process.argv[1] }).ensure(); console.log('made'); }
    catch (error) { console.log(error.name, error.code); }`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '--eval', script, home],
    { uid: 65_534, gid: 65_534, env: { PATH: process.env.PATH } },
  );
  return stdout;
}

describe('writePrivateFile', () => {
  test('replaces the whole file, makes it private, and leaves no temporary file', async (t) => {
    const folder = await temporary(t);
    const file = path.join(folder, 'secret');
    await writeFile(file, 'old', { mode: 0o644 });
    await writePrivateFile(file, 'new');
    assert.equal(await readFile(file, 'utf8'), 'new');
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    assert.deepEqual(await readdir(folder), ['secret']);
  });

  test('keeps the old file and leaves no temporary file when it fails', async (t) => {
    const folder = await temporary(t);
    const target = path.join(folder, 'is-a-folder');
    await mkdir(path.join(target, 'full'), { recursive: true });
    await assert.rejects(writePrivateFile(target, 'new'));
    assert.deepEqual(await readdir(folder), ['is-a-folder']);
  });

  test('leaves the complete content of one of several concurrent writers', async (t) => {
    const folder = await temporary(t);
    const file = path.join(folder, 'state');
    const contents = Array.from({ length: 12 }, (_, n) => String(n).repeat(50_000));
    await Promise.all(contents.map((content) => writePrivateFile(file, content)));
    assert.ok(contents.includes(await readFile(file, 'utf8')));
    assert.deepEqual(await readdir(folder), ['state']);
  });
});
