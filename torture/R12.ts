/**
 * R12: `kill -9` at random moments of a password change, of the creation of a recovery code, and of a rotation of the database
 * key, each by the real command on a home that is used for all kills. Afterwards the home opens with the old or the new password,
 * every row is stored, and a slot file that was not written is unchanged.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { AICOPaths } from '@aico/shared/core/paths';
import type { Campaign } from './campaign.ts';
import { AICO, Child } from './fixtures/child.ts';
import { openHome } from './fixtures/home.ts';
import { below, randomFrom } from './fixtures/random.ts';

const FULL_COUNT = 200;
const ROWS = 300;
/** With fewer runs the durations are not measured first. */
const MEASURED_FROM = 10;
const USUAL_MS = 2_500;

type Change = 'passwd' | 'recovery' | 'rotate-key';

class Home {
  readonly folder: string;
  password = 'the first heron of the morning 0';
  #rows = 0;

  constructor(folder: string) {
    this.folder = folder;
  }

  get #slotsFile(): string {
    return new AICOPaths({ home: this.folder }).keySlotsFile;
  }

  slots(): Promise<Buffer> {
    return readFile(this.#slotsFile);
  }

  async fill(): Promise<void> {
    const db = await openHome(this.folder, this.password);
    await db.execute('CREATE TABLE kept (n INTEGER PRIMARY KEY, text TEXT NOT NULL)');
    await db.transaction(async (tx) => {
      for (let n = 1; n <= ROWS; n += 1)
        await tx.execute('INSERT INTO kept VALUES (?, ?)', [n, `row ${n} `.repeat(n % 60)]);
    });
    this.#rows = ROWS;
    await db.close();
  }

  /** Opens the database, checks the rows and writes another. @returns descriptions of the faults */
  async check(): Promise<readonly string[]> {
    try {
      const db = await openHome(this.folder, this.password);
      try {
        const wrong: string[] = [];
        const integrity = await db.execute<{ integrity_check: string }>('PRAGMA integrity_check');
        if (integrity.fetchOne()?.integrity_check !== 'ok') wrong.push(JSON.stringify(integrity.rows));
        const { rows } = await db.execute<{ n: number; text: string }>('SELECT n, text FROM kept ORDER BY n');
        if (rows.length !== this.#rows) wrong.push(`${rows.length} rows instead of ${this.#rows}`);
        for (const { n, text } of rows)
          if (text !== `row ${n} `.repeat(n % 60)) wrong.push(`row ${n} is another`);
        const next = this.#rows + 1;
        await db.execute('INSERT INTO kept VALUES (?, ?)', [next, `row ${next} `.repeat(next % 60)]);
        this.#rows = next;
        return wrong;
      } finally {
        await db.close();
      }
    } catch (error) {
      return [`it does not open: ${String(error)}`];
    }
  }
}

/** Starts the command of a change. */
async function begin(change: Change, home: Home, next: string, scratch: string): Promise<Child> {
  const [present, wanted] = [path.join(scratch, 'present'), path.join(scratch, 'wanted')];
  await writeFile(present, `${home.password}\n`, { mode: 0o600 });
  await writeFile(wanted, `${next}\n`, { mode: 0o600 });
  const args: Readonly<Record<Change, readonly string[]>> = {
    passwd: ['security', 'passwd', '--password-file', present, '--new-password-file', wanted],
    recovery: ['security', 'recovery', '--no-confirm', '--password-file', present],
    'rotate-key': ['db', 'rotate-key', '--password-file', present],
  };
  return new Child(AICO, args[change], { env: { AICO_HOME: home.folder } });
}

/** Whether this version has the command rotate-key. */
async function canRotate(): Promise<boolean> {
  const help = new Child(AICO, ['db', '--help']);
  await help.ended;
  return help.stdout.includes('rotate-key');
}

export const campaign: Campaign = async ({ count = FULL_COUNT, seed, report }) => {
  const random = randomFrom(seed);
  const root = await mkdtemp(path.join(tmpdir(), 'aico-r12-'));
  const home = new Home(path.join(root, 'home'));
  const changes: readonly Change[] = (await canRotate())
    ? ['passwd', 'rotate-key', 'passwd', 'rotate-key', 'recovery']
    : ['passwd', 'passwd', 'passwd', 'recovery'];
  if (!changes.includes('rotate-key')) report('skipped: there is no aico db rotate-key yet');
  const hits: Record<string, number> = {};
  let failures = 0;
  let names = 0;
  const took = new Map<Change, number>();
  try {
    await home.fill();
    for (const change of count >= MEASURED_FROM ? new Set(changes) : []) {
      const next = `the next heron of the morning ${++names}`;
      const beganAt = performance.now();
      const child = await begin(change, home, next, root);
      const { code } = await child.ended;
      took.set(change, performance.now() - beganAt);
      if (code !== 0) throw new Error(`${change} fails without a kill: ${child.stderr}`);
      if (change === 'passwd') home.password = next;
    }
    report(`without a kill, in ms: ${JSON.stringify(Object.fromEntries(took))}`);
    for (let run = 1; run <= count; run += 1) {
      const change = changes[below(random, changes.length)] ?? 'passwd';
      const next = `the next heron of the morning ${++names}`;
      const before = await home.slots();
      const child = await begin(change, home, next, root);
      // No kill in the first third of the time, in which Node starts and loads the sources.
      const timer = setTimeout(() => child.kill(), (0.3 + random() * 0.8) * (took.get(change) ?? USUAL_MS));
      const { code, signal } = await child.ended;
      clearTimeout(timer);
      const isWritten = !(await home.slots()).equals(before);
      // The slot file shows which password is valid. Trying the wrong one would delay the following attempts.
      if (change === 'passwd' && isWritten) home.password = next;
      const moment =
        signal === null ? 'was done' : isWritten ? 'killed after it was written' : 'killed before';
      hits[`${change}, ${moment}`] = (hits[`${change}, ${moment}`] ?? 0) + 1;
      const wrong = [...(await home.check())];
      if (signal === null && code !== 0) wrong.push(`it ended with ${code}: ${child.stderr.slice(0, 400)}`);
      if (wrong.length > 0) failures += 1;
      for (const what of wrong.slice(0, 5)) report(`run ${run}, ${change}, ${moment}: ${what}`);
      if (run % 20 === 0) report(`${run} runs, ${failures} failures`);
    }
  } finally {
    await rm(root, { recursive: true, force: true });
  }
  report(`moments: ${JSON.stringify(hits)}`);
  return { runs: count, failures, ok: failures === 0, rotated: changes.includes('rotate-key'), hits };
};
