/**
 * The code blocks of every document, run for their effect: shell lines in order against a real backend in a temporary home,
 * other code unchanged. A block that no test can run has a reason, in the document or here; the reasons are counted below.
 */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { type Block, blocksOf, DOCUMENTS, isRunnable } from './snippets/blocks.ts';
import { audit } from './snippets/effects/audit.ts';
import { cli } from './snippets/effects/cli.ts';
import { client } from './snippets/effects/client.ts';
import { configuration } from './snippets/effects/configuration.ts';
import { busFromPython, digest, inbox } from './snippets/effects/examples.ts';
import { guide } from './snippets/effects/guide.ts';
import { logs } from './snippets/effects/logs.ts';
import { readme } from './snippets/effects/readme.ts';
import type { DocumentEffects } from './snippets/effects.ts';
import { ROOT, World } from './snippets/world.ts';

const EFFECTS: readonly DocumentEffects[] = [
  readme,
  cli,
  client,
  configuration,
  guide,
  logs,
  audit,
  inbox,
  digest,
  busFromPython,
];

const SHELL: ReadonlySet<string> = new Set(['sh', 'bash']);

process.chdir(ROOT);
const notRun: string[] = [];
let run = 0;

describe('the snippets of the documents', {
  skip: process.platform === 'win32' && 'they need bash',
  timeout: 900_000,
}, () => {
  for (const document of DOCUMENTS) {
    const blocks = blocksOf(document).filter((block) => isRunnable(block) && !isKeptElsewhere(block));
    const effects = EFFECTS.find((each) => each.document === document);
    if (blocks.length === 0 && effects === undefined) continue;
    test(`${document}: each snippet does what the document says`, { timeout: 300_000 }, async () => {
      assert.ok(
        effects,
        `${document} has snippets; say in scripts/snippets/effects what each must bring about`,
      );
      await using world = await World.create();
      await effects.setUp?.(world);
      const unused = new Set([...Object.keys(effects.shell ?? {}), ...Object.keys(effects.code ?? {})]);
      for (const block of blocks) for (const key of await runBlock(world, block, effects)) unused.delete(key);
      assert.deepEqual([...unused], [], `${document} no longer has these`);
    });
  }

  test('each file that a document shows is run by a test', () => {
    const tests = globSync('{packages,examples}/*/test/**/*.ts').map((file) => readFileSync(file, 'utf8'));
    for (const { document, line, mark } of DOCUMENTS.flatMap((document) => blocksOf(document))) {
      // A test is run by being one.
      if (mark?.kind !== 'source' || mark.path.endsWith('.test.ts')) continue;
      const name = path.basename(mark.path, '.ts');
      run += 1;
      assert.ok(
        tests.some((text) => new RegExp(`/${name}\\.ts'|fixture\\('${name}'\\)`).test(text)),
        `${document}:${line} shows ${mark.path}, which no test loads`,
      );
    }
  });

  after(() => {
    for (const reason of notRun) process.stdout.write(`not run: ${reason}\n`);
    process.stdout.write(`${run} snippets run, ${notRun.length} not run\n`);
  });
});

function isKeptElsewhere({ document, line, mark }: Block): boolean {
  if (mark?.kind === 'not-run') notRun.push(`${document}:${line}: ${mark.reason}`);
  return mark !== undefined;
}

/** Runs a block. @returns the entries of the effects that it took */
async function runBlock(world: World, block: Block, effects: DocumentEffects): Promise<readonly string[]> {
  const where = `${block.document}:${block.line}`;
  if (!SHELL.has(block.language)) {
    const key = block.code.split('\n')[0] ?? '';
    const effect = effects.code?.[key];
    assert.ok(effect, `${where}: nothing says what the block that begins with ${key} must bring about`);
    await effect(world, block.code);
    run += 1;
    return [key];
  }
  const lines = block.code.split('\n').map((line) => line.replace(/\s+#.*$/, '').trim());
  const commands = lines.filter((line) => line !== '' && !line.startsWith('#'));
  for (const command of commands) {
    const effect = effects.shell?.[command];
    assert.ok(effect, `${where}: nothing says what the command ${command} must bring about`);
    if ('notRun' in effect) notRun.push(`${where}: ${command}: ${effect.notRun}`);
    else {
      await world.run(command, effect);
      run += 1;
    }
  }
  return commands;
}
