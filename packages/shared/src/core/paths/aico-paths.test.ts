import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { AICOPaths } from './aico-paths.ts';
import { HomeUnusableError } from './errors.ts';
import { writePrivateFile } from './private-file.ts';

async function temporary(t: TestContext): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'aico-paths-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

describe('AICOPaths', () => {
  test('AICO_HOME puts everything under one folder, and an argument goes before it', async (t) => {
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

  test('without it the platform has folders of its own, and nothing is made until ensure()', async (t) => {
    const folder = await temporary(t);
    const paths = new AICOPaths({ home: path.join(folder, 'later') });
    assert.deepEqual(await readdir(folder), []);
    assert.ok(path.isAbsolute(new AICOPaths({ env: {} }).dataDir));
    paths.ensure();
    assert.ok((await stat(paths.dataDir)).isDirectory());
  });

  test('every folder is private, and one that was too open is tightened; the home itself is not touched', async (t) => {
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

  test('a home that is a file, below a file, or a dangling link is refused by name', async (t) => {
    const folder = await temporary(t);
    const file = path.join(folder, 'file');
    await writeFile(file, '');
    const link = path.join(folder, 'link');
    await symlink(path.join(folder, 'nowhere', 'deep'), link);
    for (const home of [file, path.join(file, 'below'), link]) {
      assert.throws(() => new AICOPaths({ home }).ensure(), HomeUnusableError, home);
    }
    assert.deepEqual((await readdir(folder)).sort(), ['file', 'link']);
  });

  test('the socket has a path that the system can take, however deep the home lies', async (t) => {
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
});

describe('writePrivateFile', () => {
  test('replaces the whole file, private, and leaves no draft', async (t) => {
    const folder = await temporary(t);
    const file = path.join(folder, 'secret');
    await writeFile(file, 'old', { mode: 0o644 });
    await writePrivateFile(file, 'new');
    assert.equal(await readFile(file, 'utf8'), 'new');
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    assert.deepEqual(await readdir(folder), ['secret']);
  });

  test('when it cannot, the old file stands and no draft is left', async (t) => {
    const folder = await temporary(t);
    const target = path.join(folder, 'is-a-folder');
    await mkdir(path.join(target, 'full'), { recursive: true });
    await assert.rejects(writePrivateFile(target, 'new'));
    assert.deepEqual(await readdir(folder), ['is-a-folder']);
  });
});
