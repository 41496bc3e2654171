import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Aico } from './fixtures/aico.ts';

const SPEAKER = fileURLToPath(new URL('./fixtures/speaker', import.meta.url));

async function configure(aico: Aico, module: string): Promise<void> {
  await mkdir(path.join(aico.home, 'config'), { recursive: true });
  const yaml = `plugins:\n  speaker:\n    module: ${JSON.stringify(module)}\n`;
  await writeFile(path.join(aico.home, 'config', 'config.yaml'), yaml);
}

describe("a plugin's commands", () => {
  test('are found from the running backend, or from the configuration if none runs', async (t) => {
    const aico = await Aico.create(t);
    const { exited } = await aico.serve(['--plugin', SPEAKER]);
    const said = await aico.run(['speaker', 'say', '--json']);
    assert.deepEqual(said.json(), { said: 'hello\u001b[2J' });
    assert.equal(said.stderr, '');
    // Control characters in the output of a plugin are escaped.
    assert.equal((await aico.run(['speaker', 'say'])).stdout, 'hello\\u001b[2J\n');
    assert.match((await aico.run(['speaker', '--help'])).stdout, /say/);
    const stopped = await aico.run(['stop']);
    assert.equal(stopped.code, 0, stopped.stderr);
    await exited;
    assert.equal((await aico.run(['speaker', 'say'])).code, 2, 'the plugin is no longer configured');
    await configure(aico, SPEAKER);
    const silent = await aico.run(['speaker', 'say']);
    assert.equal(silent.code, 20, silent.stderr);
  });

  test('that fail are reported; a misspelt one is suggested; a missing one is an error', async (t) => {
    const aico = await Aico.create(t);
    await configure(aico, SPEAKER);
    const failed = await aico.run(['speaker', 'fail']);
    assert.equal(failed.code, 1);
    assert.match(failed.stderr, /^error: the plugin fails/);
    const misspelt = await aico.run(['speakr', 'say']);
    assert.equal(misspelt.code, 2);
    assert.match(misspelt.stderr, /Did you mean speaker\?/);
    await configure(aico, './not/here');
    assert.equal((await aico.run(['speaker', 'say'])).code, 2);
    // Built-in commands do not look for plugins.
    assert.equal((await aico.run(['config', 'get', 'core.logging.level'])).code, 0);
  });
});
