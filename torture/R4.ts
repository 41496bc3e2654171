/**
 * R4: `kill -9` at random moments of a process that logs 5,000 lines a second: while it starts and stores the spool of the process
 * before it, while it runs and its store stops and starts, while it stops. A home outlives many kills; a last process starts
 * undisturbed and stops. Then every line of `warn` and above whose call had returned is stored once and in order, and so is every other
 * line, but for those of the last 100 ms of a process and those that the log counts as dropped. After the kills of each home follows
 * a burst: 100,000 lines before the bus is up, as many while it is, and while the store stops and starts.
 */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { AICOPaths } from '@aico/shared/core/paths';
import { burst } from '../packages/backend/test/fixtures/log-burst.ts';
import type { Campaign } from './campaign.ts';
import { Child } from './fixtures/child.ts';
import { openHome } from './fixtures/home.ts';
import { CANARY_LINE, judge, type Verdict } from './fixtures/log-ledger.ts';
import { type Random, randomFrom } from './fixtures/random.ts';
import { scan, secretNeedles } from './fixtures/scanner.ts';

const FULL_COUNT = 100;
const KILLS_PER_HOME = 20;
/** Lines in each phase of a burst in a full campaign; fewer in a shorter one. */
const BURST = 100_000;
/** A process that has not ended by then never will, also on a busy machine. */
const STUCK_MS = 600_000;
/** About how long each phase takes, in milliseconds; for running, how long it is left to run. */
const DURATIONS = { starting: 400, running: 1_200, stopping: 200 };

const PROCESS = fileURLToPath(new URL('./fixtures/logging-process.ts', import.meta.url));

type Phase = keyof typeof DURATIONS;

function drawPhase(random: Random): Phase {
  const at = random();
  return at < 0.35 ? 'starting' : at < 0.8 ? 'running' : 'stopping';
}

/** One home, with the notes of its processes beside it. */
class Home {
  readonly #folder: string;
  readonly #home: string;
  readonly #notes: string;
  #lives = 0;

  private constructor(folder: string) {
    this.#folder = folder;
    this.#home = path.join(folder, 'home');
    this.#notes = path.join(folder, 'notes');
  }

  static async make(): Promise<Home> {
    return new Home(await mkdtemp(path.join(tmpdir(), 'aico-r4-')));
  }

  /** Kills a process in `phase`. @returns the phase it was in, and what it printed as errors */
  async kill(phase: Phase, random: Random): Promise<{ in: string; stderr: string }> {
    let last = 'not started';
    const child = this.#start((said) => {
      last = said;
    });
    if (phase === 'stopping' && (await child.says('running'))) {
      setTimeout(() => child.kill('SIGTERM'), random() * DURATIONS.running);
    }
    if (await child.says(phase)) setTimeout(() => child.kill(), random() * DURATIONS[phase]);
    await child.ended;
    return { in: last, stderr: child.stderr };
  }

  /** @returns where a line can be read */
  async scan(): Promise<readonly string[]> {
    const found = await scan([this.#home], secretNeedles('a line', CANARY_LINE));
    return found.map(({ file, needle }) => `${file} holds ${needle}`);
  }

  /** Lets one process start and stop, and compares what was logged with what is stored. */
  async judge(): Promise<Verdict> {
    let phase = 'not started';
    const child = new Child(PROCESS, [this.#home, this.#notes], {
      onLine: (said) => {
        phase = said;
        if (said === 'running') child.kill('SIGTERM');
      },
      timeoutMs: STUCK_MS,
    });
    const { code } = await child.ended;
    const wrong: string[] = [];
    if (code !== 0) wrong.push(`the last process ended with ${code} while ${phase}: ${child.stderr}`);
    const { stateDir } = new AICOPaths({ home: this.#home });
    const left = (await readdir(stateDir)).filter((name) => name.endsWith('.spool'));
    // The spool of the last process has what it logged itself while it stopped.
    if (left.length > 1) wrong.push(`spools are left: ${left.join(', ')}`);
    const db = await openHome(this.#home);
    try {
      const verdict = await judge(db, this.#notes);
      return { ...verdict, wrong: [...wrong, ...verdict.wrong] };
    } finally {
      await db.close();
    }
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  #start(onLine: (line: string) => void): Child {
    this.#lives += 1;
    return new Child(PROCESS, [this.#home, this.#notes, String(this.#lives)], {
      onLine,
      timeoutMs: STUCK_MS,
    });
  }
}

/** A burst, through a queue that drops lines at every second call. @returns what is wrong */
async function wrongInBurst(lines: number, isDropping: boolean): Promise<readonly string[]> {
  const { severeLost, storedTwice, notCounted, ...rest } = await burst(
    lines,
    isDropping ? { lines: lines / 2, size: 64 * 1_048_576 } : undefined,
  );
  const isRight =
    severeLost === 0 && storedTwice === 0 && notCounted === 0 && rest.dropped > 0 === isDropping;
  return isRight ? [] : [`a burst: ${JSON.stringify({ severeLost, storedTwice, notCounted, ...rest })}`];
}

export const campaign: Campaign = async ({ count = FULL_COUNT, seed, report }) => {
  const random = randomFrom(seed);
  const hits: Record<string, number> = {};
  let [failures, kills, bursts, lines, severe, lostAtEnd, dropped] = [0, 0, 0, 0, 0, 0, 0];
  while (kills < count) {
    const home = await Home.make();
    const wrong: string[] = [];
    try {
      for (let of = Math.min(KILLS_PER_HOME, count - kills); of > 0; of -= 1) {
        const killed = await home.kill(drawPhase(random), random);
        kills += 1;
        hits[killed.in] = (hits[killed.in] ?? 0) + 1;
        if (killed.stderr !== '') wrong.push(`it printed: ${killed.stderr.slice(0, 500)}`);
      }
      // Before the last process tidies up.
      wrong.push(...(await home.scan()));
      const verdict = await home.judge();
      wrong.push(...verdict.wrong);
      lines += verdict.lines;
      severe += verdict.severe;
      lostAtEnd += verdict.lostAtEnd;
      dropped += verdict.dropped;
    } finally {
      await home.remove();
    }
    wrong.push(...(await wrongInBurst(count < FULL_COUNT ? BURST / 20 : BURST, bursts % 2 === 1)));
    bursts += 1;
    failures += wrong.length;
    for (const what of wrong.slice(0, 10)) report(what);
    report(`${kills} kills, ${lines} lines, ${severe} of warn and above, ${failures} failures`);
  }
  report(`killed while: ${JSON.stringify(hits)}`);
  return { runs: kills, bursts, failures, ok: failures === 0, lines, severe, lostAtEnd, dropped, hits };
};
