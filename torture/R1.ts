/**
 * R1: `kill -9` at random moments under writes: while the database is opened or made, under 64 writers, in the middle of
 * a checkpoint, while it closes; also twice in a row, so that the second hits the recovery from the first. Afterwards
 * every answered row is there with its text, no transaction is half there, and `integrity_check` is content. Homes live
 * on from kill to kill, so that damage would add up. One run in six kills the whole `aico start`.
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
/** Kills a home lives through. */
const KILLS_PER_HOME = 40;
const SCAN_EVERY = 20;
/** A life that is not over by then never would be. */
const STUCK_MS = 60_000;
/** Fewer runs are not worth measuring first: these are what it takes on a small machine. */
const MEASURED_FROM = 10;
/** The summary of an orderly stop, which a stop may reach before the kill. */
const STOPPED = /^AICO has stopped .*\n(?: {2}.*\n)*/m;
const USUAL: Durations = { opening: 300, writing: 300, closing: 50 };

const WRITER = fileURLToPath(new URL('./fixtures/writer.ts', import.meta.url));
const PLUGIN = fileURLToPath(new URL('./fixtures/writer-plugin.ts', import.meta.url));

type Phase = 'opening' | 'writing' | 'closing';

/** How long each phase typically takes, in milliseconds; for writing, how long it is let go on. */
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

/** Lets one live undisturbed and looks at the clock. */
async function measure(home: string, ledger: Ledger, whole: boolean, writingMs: number): Promise<Durations> {
  const at = new Map([['starting', performance.now()]]);
  const child = startWriter(home, ledger, whole, (phase) => at.set(phase, performance.now()));
  if (await child.says('writing')) setTimeout(() => child.kill('SIGTERM'), writingMs);
  await child.ended;
  const end = performance.now();
  ledger.noteDeath();
  const from = (phase: string, next: number | undefined): number => (next ?? end) - (at.get(phase) ?? end);
  if (at.get('closing') === undefined) throw new Error(`the writer did not come to its end: ${child.stderr}`);
  return {
    opening: from(whole ? 'starting' : 'opening', at.get('writing')),
    writing: writingMs,
    closing: from('closing', end),
  };
}

/** Kills one in `phase`, at a moment drawn from how long that takes. */
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
  // A whole backend opens its database before a plugin can say anything.
  if ((whole && phase === 'opening') || (await child.says(phase))) killAfter();
  await child.ended;
  ledger.noteDeath();
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

/** Searches a home as a kill has left it, for its rows and its keys. */
async function scanHome(home: string): Promise<readonly string[]> {
  const paths = new AICOPaths({ home });
  // A kill of the very first start may come before there are keys.
  const keys = (await keyManagerOf(paths).exists()) ? await keysOfHome(paths) : [];
  // Nor files.
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
      // A home of its own, since the first kill of a new home is to meet one that is being made.
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
      // A scan comes before the reopening tidies up.
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
