import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Aico } from './fixtures/aico.ts';

const SOURCES = fileURLToPath(new URL('../src', import.meta.url));
const PASSWORD = 'seven green owls on a wire';

async function filesOf(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
  return Object.fromEntries(
    await Promise.all(files.map(async (file) => [file, await readFile(file, 'base64')] as const)),
  );
}

describe('without a terminal', () => {
  test('a home that opens without a person is unlocked and changed without a question', async (t) => {
    const aico = await Aico.create(t);
    const { child, exited } = await aico.serve();
    assert.equal((await aico.run(['security', 'lock'])).code, 0);
    const unlocked = await aico.run(['security', 'unlock', '--json']);
    assert.deepEqual(unlocked.json(), { state: 'unlocked' }, unlocked.stderr);
    // Once more, while it is already open.
    assert.equal((await aico.run(['security', 'unlock'])).code, 0);
    assert.equal((await aico.run(['security', 'recovery', '--no-confirm'])).code, 0);
    const backup = await aico.run(['db', 'backup', path.join(aico.home, 'backups'), '--json']);
    child.kill('SIGTERM');
    await exited;
    const { folder } = backup.json() as { folder: string };
    const restored = await aico.run(['db', 'restore', folder, '--yes', '--json']);
    assert.equal(restored.code, 0, restored.stderr);
  });

  test('a command that would ask names the option to use instead, and changes nothing', async (t) => {
    const aico = await Aico.create(t);
    const setup = await aico.run(['security', 'setup', '--password-file', '-'], {}, PASSWORD);
    assert.equal(setup.code, 0, setup.stderr);
    const { child, exited } = await aico.serve();
    const backend = await filesOf(path.join(aico.home, 'config'));
    const locked = await aico.run(['security', 'unlock']);
    assert.equal(locked.code, 2, locked.stderr);
    assert.match(locked.stderr, /no terminal to ask for the password\nhint: .*--password-file/);
    child.kill('SIGTERM');
    await exited;
    await mkdir(path.join(aico.home, 'backup'));
    const slots = path.join(aico.home, 'data', 'key-slots.json');
    const before = await readFile(slots, 'base64');
    for (const [words, option] of [
      ['security passwd', '--password-file'],
      ['security recovery', '--no-confirm'],
      ['security recovery --no-confirm', '--password-file'],
      ['security slots add key-file', '--password-file'],
      ['security slots remove 1', '--password-file'],
      ['db backup backups', '--password-file'],
      ['db rotate-key', '--password-file'],
      ['db accept-rollback', '--password-file'],
      ['device join localhost', '--code-file'],
    ] as const) {
      const ran = await aico.run(words.split(' '));
      assert.equal(ran.code, 2, `${words}: ${ran.stderr}`);
      assert.match(ran.stderr, /no terminal to/, words);
      assert.ok(ran.stderr.includes(option), `${words}: ${ran.stderr}`);
    }
    assert.equal(await readFile(slots, 'base64'), before);
    assert.deepEqual(await filesOf(path.join(aico.home, 'config')), backend);

    const empty = await Aico.create(t);
    for (const words of [
      ['security', 'setup'],
      ['security', 'setup', '--key-file', '--recovery'],
    ]) {
      const ran = await empty.run(words);
      assert.equal(ran.code, 2, ran.stderr);
      assert.deepEqual(Object.keys(await filesOf(path.join(empty.home))), []);
    }
  });

  test('a file for a secret must be UTF-8: other bytes would all become the same character', async (t) => {
    const aico = await Aico.create(t);
    const file = path.join(aico.home, 'password');
    await writeFile(file, Buffer.from('seven gr\xfcn owls on a wire', 'latin1'));
    const refused = await aico.run(['security', 'setup', '--password-file', file]);
    assert.equal(refused.code, 2, refused.stderr);
    assert.match(refused.stderr, /is not UTF-8 text/);
  });
});

test('all prompts are in one file, which checks that there is a terminal', () => {
  const asking = globSync('**/*.ts', { cwd: SOURCES }).filter((file) =>
    readFileSync(path.join(SOURCES, file), 'utf8').includes('@inquirer/'),
  );
  assert.deepEqual(asking, [path.join('terminal', 'prompts.ts')]);
});
