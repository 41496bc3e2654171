/**
 * R1: `kill -9` at random moments: while the database is created or opened, under 64 writers, during a checkpoint, and while it
 * closes; also twice in a row, so that the second kill hits the recovery from the first. Afterwards every acknowledged row is
 * stored with its text, no transaction is stored in part, and `integrity_check` finds no fault. A home is used for several kills,
 * so that damage would accumulate. One run in six kills the whole `aico start`.
 */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { AICOPaths } from '@aico/shared/core/paths';
import type { Campaign } from './campaign.ts';
import { AICO, Child } from './fixtures/child.ts';
import { keyManagerOf, openHome } from './fixtures/home.ts';
import { type Random, randomFrom } from './fixtures/random.ts';
import { keysOfHome, scan, secretNeedles } from './fixtures/scanner.ts';
import { CANARY_ROW, Ledger } from './fixtures/workload.ts';

const FULL_COUNT = 200;
/** The number of kills for each home. */
const KILLS_PER_HOME = 40;
const SCAN_EVERY = 20;
/** Milliseconds after which a process counts as hanging. */
const STUCK_MS = 60_000;
/** Typical durations on a small machine, used if there are too few runs to measure first. */
const MEASURED_FROM = 10;
/** The summary of an orderly stop, which a stop may reach before the kill. */
const STOPPED = /^AICO has stopped .*\n(?: {2}.*\n)*/m;
const USUAL: Durations = { opening: 300, writing: 300, closing: 50 };

const WRITER = fileURLToPath(new URL('./fixtures/writer.ts', import.meta.url));
const PLUGIN = fileURLToPath(new URL('./fixtures/writer-plugin.ts', import.meta.url));

type Phase = 'opening' | 'writing' | 'closing';

/** The typical duration of each phase in milliseconds; for writing, the time until the kill. */
type Durations = Readonly<Record<Phase, number>>;

interface Killed {
  /** The last line of its output. */
  readonly phase: string;
  readonly stderr: string;
}

function startWriter(home: string, ledger: Ledger, whole: boolean, onPhase: (phase: string) => void): Child {
  const onLine = (line: string): void => {
    if (/^[+=-]/.test(line)) ledger.note(line);
    else if (/^[a-z]+$/.test(line)) onPhase(line);
  };
  if (!whole) return new Child(WRITER, [home, String(ledger.next)], { onLine, timeoutMs: STUCK_MS });
  return new Child(AICO, ['start', '--plugin', PLUGIN], {
    onLine,
    timeoutMs: STUCK_MS,
    env: {
      AICO_HOME: home,
      AICO_CORE__API_GATEWAY__REST__PORT: '0',
      AICO_CORE__LOGGING__CONSOLE__ENABLED: 'false',
      TORTURE_FIRST: String(ledger.next),
    },
  });
}

/** Measures the phases of a process that is not killed. */
async function measure(home: string, ledger: Ledger, whole: boolean, writingMs: number): Promise<Durations> {
  const at = new Map([['starting', performance.now()]]);
  const child = startWriter(home, ledger, whole, (phase) => at.set(phase, performance.now()));
  if (await child.says('writing')) setTimeout(() => child.kill('SIGTERM'), writingMs);
  await child.ended;
  const end = performance.now();
  ledger.noteKill();
  const from = (phase: string, next: number | undefined): number => (next ?? end) - (at.get(phase) ?? end);
  if (at.get('closing') === undefined) throw new Error(`the writer did not end: ${child.stderr}`);
  return {
    opening: from(whole ? 'starting' : 'opening', at.get('writing')),
    writing: writingMs,
    closing: from('closing', end),
  };
}

/** Kills a process at a random moment of `phase`. */
async function killIn(
  phase: Phase,
  home: string,
  ledger: Ledger,
  whole: boolean,
  durations: Durations,
  random: Random,
): Promise<Killed> {
  let last = 'starting';
  const child = startWriter(home, ledger, whole, (said) => {
    last = said;
  });
  const killAfter = (): void => {
    setTimeout(() => child.kill(), random() * durations[phase]);
  };
  if (phase === 'closing') {
    if (await child.says('writing')) setTimeout(() => child.kill('SIGTERM'), random() * durations.writing);
  }
  // A whole backend opens its database before a plugin can print a line.
  if ((whole && phase === 'opening') || (await child.says(phase))) killAfter();
  await child.ended;
  ledger.noteKill();
  return { phase: last, stderr: child.stderr };
}

function drawPhase(random: Random): Phase {
  const at = random();
  return at < 0.25 ? 'opening' : at < 0.75 ? 'writing' : 'closing';
}

async function reopen(home: string, ledger: Ledger): Promise<readonly string[]> {
  try {
    const db = await openHome(home);
    try {
      return await ledger.check(db);
    } finally {
      await db.close();
    }
  } catch (error) {
    return [`it does not open: ${String(error)}`];
  }
}

/** Searches the files of a home after a kill for its rows and keys. */
async function scanHome(home: string): Promise<readonly string[]> {
  const paths = new AICOPaths({ home });
  // The first start may be killed before it creates keys.
  const keys = (await keyManagerOf(paths).exists()) ? await keysOfHome(paths) : [];
  // It may also be killed before it creates files.
  if ((await readdir(home, { recursive: true, withFileTypes: true })).every((entry) => !entry.isFile()))
    return [];
  const found = await scan([home], [...secretNeedles('a row', CANARY_ROW), ...keys]);
  return found.map(({ file, needle }) => `${file} holds ${needle}`);
}

export const campaign: Campaign = async ({ count = FULL_COUNT, seed, report }) => {
  const random = randomFrom(seed);
  const hits: Record<string, number> = {};
  let [kills, acknowledged, failures, scans] = [0, 0, 0, 0];
  const durations = new Map<boolean, Durations>();
  let home = '';
  let ledger = new Ledger();
  const endHome = async (): Promise<void> => {
    acknowledged += ledger.acknowledged;
    await rm(home, { recursive: true, force: true });
    ledger = new Ledger();
  };
  try {
    for (let run = 1; run <= count; run += 1) {
      const fresh = home === '' || run % KILLS_PER_HOME === 0;
      if (fresh) {
        await endHome();
        home = await mkdtemp(path.join(tmpdir(), 'aico-r1-'));
      }
      const whole = run % 6 === 3;
      // A separate home, so that the first kill of a new home can hit its creation.
      if (count >= MEASURED_FROM && !durations.has(whole)) {
        const elsewhere = await mkdtemp(path.join(tmpdir(), 'aico-r1-'));
        durations.set(
          whole,
          await measure(elsewhere, new Ledger(), whole, 400).finally(() =>
            rm(elsewhere, { recursive: true }),
          ),
        );
        report(`${whole ? 'aico start' : 'the database alone'}: ${JSON.stringify(durations.get(whole))}`);
      }
      const wrong: string[] = [];
      const again = random() < 0.25;
      for (const phase of again ? [drawPhase(random), 'opening' as const] : [drawPhase(random)]) {
        const took = durations.get(whole) ?? USUAL;
        const killed = await killIn(phase, home, ledger, whole, took, random);
        const name = again && phase === 'opening' ? 'opening after a kill' : killed.phase;
        hits[name] = (hits[name] ?? 0) + 1;
        kills += 1;
        const said = killed.stderr.replace(STOPPED, '').trim();
        if (said !== '') wrong.push(`it said: ${said.slice(0, 500)}`);
      }
      // The scan comes before reopening the database, which removes files.
      if (run % SCAN_EVERY === 0 || run === count) {
        wrong.push(...(await scanHome(home)));
        scans += 1;
      }
      wrong.push(...(await reopen(home, ledger)));
      if (wrong.length > 0) failures += 1;
      for (const what of wrong.slice(0, 5)) report(`run ${run}: ${what}`);
      if (run % 20 === 0)
        report(
          `${run} runs, ${kills} kills, ${acknowledged + ledger.acknowledged} acknowledged, ${failures} failures`,
        );
    }
  } finally {
    await endHome();
  }
  report(`killed while: ${JSON.stringify(hits)}`);
  return { runs: count, failures, ok: failures === 0, kills, acknowledged, scans, hits };
};
