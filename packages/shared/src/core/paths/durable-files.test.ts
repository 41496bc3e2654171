import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chown, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { SystemError } from '../system-errors/index.ts';
import {
  copyPrivateFile,
  createPrivateFile,
  makePrivateFolder,
  moveDurably,
  removeDurably,
  writePrivateFile,
} from './durable-files.ts';

const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;

async function temporary(t: TestContext): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'aico-durable-'));
  t.after(() => rm(folder, { recursive: true }));
  return folder;
}

describe('durable files', () => {
  test('replace: false does not change an existing file', async (t) => {
    const folder = await temporary(t);
    const file = path.join(folder, 'credential');
    await writePrivateFile(file, 'first', { replace: false });
    await assert.rejects(writePrivateFile(file, 'second', { replace: false }), SystemError);
    await assert.rejects(copyPrivateFile(file, file, { replace: false }), SystemError);
    assert.equal(await readFile(file, 'utf8'), 'first');
    assert.deepEqual(await readdir(folder), ['credential']);
  });

  test('of several writers with replace: false exactly one writes', async (t) => {
    const file = path.join(await temporary(t), 'credential');
    const names = Array.from({ length: 10 }, (_, index) => `writer ${index}`);
    const outcomes = await Promise.allSettled(
      names.map((name) => writePrivateFile(file, name, { replace: false })),
    );
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
    const winner = outcomes.findIndex(({ status }) => status === 'fulfilled');
    assert.equal(await readFile(file, 'utf8'), names[winner]);
  });

  test('a copy is private whatever the mode of the source', async (t) => {
    const folder = await temporary(t);
    await writeFile(path.join(folder, 'open'), 'content', { mode: 0o644 });
    await copyPrivateFile(path.join(folder, 'open'), path.join(folder, 'copy'));
    assert.equal(await readFile(path.join(folder, 'copy'), 'utf8'), 'content');
    if (process.platform !== 'win32')
      assert.equal((await stat(path.join(folder, 'copy'))).mode & 0o777, 0o600);
    assert.deepEqual((await readdir(folder)).sort(), ['copy', 'open']);
  });

  test('a removal also removes the temporary files of interrupted writes, and nothing else', async (t) => {
    const folder = await temporary(t);
    for (const name of ['key', 'key.0123456789ab.tmp', 'key.slots', 'key.tmp', 'other.0123456789ab.tmp'])
      await writeFile(path.join(folder, name), '');
    await removeDurably(path.join(folder, 'key'));
    await removeDurably(path.join(folder, 'key'));
    assert.deepEqual((await readdir(folder)).sort(), ['key.slots', 'key.tmp', 'other.0123456789ab.tmp']);
  });

  test('a failure is reported with the file and a hint, and changes nothing', async (t) => {
    const folder = await temporary(t);
    const full = path.join(folder, 'folder');
    await mkdir(path.join(full, 'inside'), { recursive: true });
    await assert.rejects(writePrivateFile(full, 'new'), SystemError);
    await assert.rejects(createPrivateFile(full), SystemError);
    await assert.rejects(moveDurably(path.join(folder, 'absent'), full), SystemError);
    await assert.rejects(makePrivateFolder('/dev/null/below'), SystemError);
    assert.deepEqual(await readdir(folder), ['folder']);
  });
});

describe('maintenance as root', { skip: isRoot ? false : 'only root can give files away' }, () => {
  test('creates files and folders that belong to the owner of the parent folder', async (t) => {
    const folder = await temporary(t);
    await chown(folder, NOBODY, NOBODY);
    const at = (name: string): string => path.join(folder, name);
    await writePrivateFile(at('written'), 'content');
    await writePrivateFile(at('once'), 'content', { replace: false });
    await copyPrivateFile(at('written'), at('copied'));
    await createPrivateFile(at('created'));
    await makePrivateFolder(path.join(at('made'), 'inside'));
    await writePrivateFile(path.join(at('made'), 'inside', 'deep'), 'content');
    for (const name of await readdir(folder, { recursive: true })) {
      const { uid, gid } = await stat(at(name));
      assert.deepEqual({ name, uid, gid }, { name, uid: NOBODY, gid: NOBODY });
    }
  });

  test('a folder of root is reported to another user as denied', async (t) => {
    const folder = await temporary(t);
    const script = `
      const { writePrivateFile } = await import(${JSON.stringify(new URL('./durable-files.ts', import.meta.url).href)});
      await writePrivateFile(process.argv[1], 'new').catch((error) => console.log(error.code, error.message));`;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--input-type=module', '--eval', script, path.join(folder, 'file')],
      { uid: NOBODY, gid: NOBODY, env: { PATH: process.env.PATH } },
    );
    assert.match(stdout, /^AICO_SYSTEM_DENIED .*EACCES: write .*\/file\)/);
    assert.deepEqual(await readdir(folder), []);
  });
});

test('a folder that cannot be created below an existing one is an error, and is not retried endlessly', {
  skip: process.platform === 'linux' ? false : 'it needs /proc',
}, async () => {
  // In a separate process, since an endless call would block this one.
  const script = `
    const { makePrivateFolder } = await import(${JSON.stringify(new URL('./durable-files.ts', import.meta.url).href)});
    const { makeFolder } = await import(${JSON.stringify(new URL('./private-folder.ts', import.meta.url).href)});
    for (const folder of ['/proc/none', '/proc/none/deep']) {
      await makePrivateFolder(folder).catch((error) => console.log(error.code));
      try { makeFolder(folder); } catch (error) { console.log(error.code); }
    }`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], {
    timeout: 30_000,
    killSignal: 'SIGKILL',
  });
  const codes = ['AICO_SYSTEM_NOT_THERE', 'AICO_PATHS_UNUSABLE'];
  assert.deepEqual(stdout.trim().split('\n'), [...codes, ...codes]);
});

test('a folder that several callers create concurrently is created once', async (t) => {
  const folder = path.join(await temporary(t), 'a', 'b', 'c');
  await Promise.all(Array.from({ length: 20 }, () => makePrivateFolder(folder)));
  assert.equal((await stat(folder)).mode & 0o777, 0o700);
});
