/**
 * R3: a process that publishes durable messages, keeps them and consumes them, killed with SIGKILL at random moments, 150 times
 * in full: publisher, store and consumer live in one process here, and each kill takes all three. Then every message that was
 * acknowledged to its publisher has had its effect exactly once, and nothing that was rolled back has had any.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { EncryptedDatabase } from '@aico/shared/data';
import type { Campaign } from './campaign.ts';

const FULL_COUNT = 150;
const MESSAGES_A_LIFE = 700;
const CHILD = fileURLToPath(new URL('./fixtures/durable-bus.ts', import.meta.url));

export const campaign: Campaign = async ({ count = FULL_COUNT, seed, report }) => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'aico-r3-'));
  const file = path.join(folder, 'aico.db');
  const key = randomBytes(32);
  const acknowledged = new Set<number>();
  const random = randomFrom(seed);
  let first = 0;
  let kills = 0;
  /** One life: until `limit` messages have been acknowledged to it and a little longer, or to its end. */
  const live = async (messages: number, limit: number): Promise<void> => {
    const child = spawn(
      process.execPath,
      [CHILD, file, key.toString('hex'), String(first), String(messages)],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    const exited = once(child, 'exit');
    let here = 0;
    for await (const line of createInterface(child.stdout)) {
      if (/^\d+$/.test(line)) {
        acknowledged.add(Number(line));
        here += 1;
      }
      if (here >= limit) setTimeout(() => child.kill('SIGKILL'), Math.floor(random() * 20));
    }
    const [code, signal] = await exited;
    if (signal === 'SIGKILL') kills += 1;
    else if (code !== 0) throw new Error(`the process ended with ${code}`);
    first += messages;
  };
  try {
    for (let run = 0; run < count; run += 1) {
      // Some die before the first acknowledgement, some while the last ones are consumed.
      await live(MESSAGES_A_LIFE, Math.floor(random() * MESSAGES_A_LIFE * 1.05));
      if (run % 25 === 24)
        report(`${run + 1} lives, ${kills} kills, ${acknowledged.size} messages acknowledged`);
    }
    await live(1, Number.POSITIVE_INFINITY);
    const database = await EncryptedDatabase.open({ file, key });
    const { rows } = await database.execute<{ n: number; times: number }>(
      'SELECT n, count(*) AS times FROM effect GROUP BY n',
    );
    const { rows: causes } = await database.execute<{ n: number }>('SELECT n FROM cause');
    const integrity = (await database.execute<{ integrity_check: string }>('PRAGMA integrity_check')).rows[0];
    await database.close();
    const effects = new Map(rows.map(({ n, times }) => [Number(n), Number(times)]));
    const lost = [...acknowledged].filter((n) => !effects.has(n));
    const twice = [...effects].filter(([, times]) => times !== 1);
    // What is published with a transaction is there exactly when the transaction's own row is.
    const caused = new Set(causes.map(({ n }) => Number(n)));
    const torn = [...effects.keys()].filter((n) => n % 2 === 1 && !caused.has(n)).length;
    const unheard = [...caused].filter((n) => !effects.has(n)).length;
    const failures =
      lost.length + twice.length + torn + unheard + (integrity?.integrity_check === 'ok' ? 0 : 1);
    return {
      runs: count,
      failures,
      ok: failures === 0,
      kills,
      acknowledged: acknowledged.size,
      effects: effects.size,
      lost: lost.length,
      twice: twice.length,
      torn,
      unheard,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

/** Mulberry32, so that a seed repeats the run. */
function randomFrom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
