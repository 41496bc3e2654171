/**
 * P16: the import of the public corpus of 6,046 messages by `aico inbox import`, compared with a single-threaded script with the
 * same parser, tables, driver and cipher, `synchronous = FULL` and 64 rows for each commit. Each side is timed from the start of
 * its process to its end; the backend is already running. Both sides run in each round, on separate databases.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { CORPUS_MESSAGES, fetchCorpus } from '../examples/inbox/demo/corpus.ts';
import { type BenchmarkOutcome, spread } from './benchmark.ts';

const ROUNDS = '5';
const ROOT = fileURLToPath(new URL('../', import.meta.url));
const AICO = path.join(ROOT, 'packages/cli/bin/aico.js');
const INBOX = path.join(ROOT, 'examples/inbox');
const BARE = path.join(ROOT, 'benchmarks/inbox-bare.ts');

/** @param args the number of rounds, if it is not the default */
export async function benchmark([rounds]: readonly string[]): Promise<BenchmarkOutcome> {
  const corpus = await fetchCorpus();
  const seconds = { aico: [] as number[], bare: [] as number[] };
  // The first round fills the caches of files and compiled code and does not count.
  for (let round = 0; round <= Number(rounds ?? ROUNDS); round += 1) {
    const bare = await importBare(corpus);
    const aico = await importByAico(corpus);
    assert.equal(aico.stored, bare.stored, 'both sides store the same messages');
    if (round === 0) continue;
    seconds.bare.push(bare.seconds);
    seconds.aico.push(aico.seconds);
  }
  const value = spread(seconds.bare).median / spread(seconds.aico).median;
  return {
    value,
    target: '>= 1.0',
    ok: value >= 1,
    sides: {
      unit: 's',
      messages: CORPUS_MESSAGES,
      cores: os.availableParallelism(),
      aico: spread(seconds.aico),
      bare: spread(seconds.bare),
    },
  };
}

interface Import {
  readonly seconds: number;
  readonly stored: number;
}

async function importBare(corpus: string): Promise<Import> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'aico-bench-'));
  try {
    const began = performance.now();
    const output = await run({}, BARE, path.join(folder, 'bare.db'), corpus);
    return { seconds: (performance.now() - began) / 1_000, stored: Number(output) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function importByAico(corpus: string): Promise<Import> {
  const home = await mkdtemp(path.join(os.tmpdir(), 'aico-bench-'));
  const env = {
    AICO_HOME: home,
    AICO_CORE__API_GATEWAY__REST__PORT: '0',
    AICO_CORE__DATABASE__KEYRING_WITNESS: 'false',
  };
  try {
    await run(env, AICO, 'start', '--detach', '--plugin', INBOX);
    const began = performance.now();
    const output = await run(env, AICO, 'inbox', 'import', corpus, '--json');
    const seconds = (performance.now() - began) / 1_000;
    const { imported, duplicate, refused } = JSON.parse(output) as Record<string, number>;
    assert.equal((imported ?? 0) + (duplicate ?? 0) + (refused ?? 0), CORPUS_MESSAGES);
    return { seconds, stored: imported ?? 0 };
  } finally {
    await run(env, AICO, 'stop', '--force');
    await rm(home, { recursive: true, force: true });
  }
}

/** Runs a Node script to its end. @returns its output */
async function run(env: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  assert.equal(code, 0, `node ${args.join(' ')} ended with exit code ${code}`);
  return output;
}
