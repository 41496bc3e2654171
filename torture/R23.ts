/**
 * R23: power loss at any moment of a restore, a rotation of the database key, a backup and a password change. Each real command
 * runs once under strace, which records every change to files. From the recording, states are rebuilt that a power loss may leave:
 * synced changes are present; every other write, name, renaming and removal is present, lost or torn at a sector. Each state is
 * opened as by a start. The home must be completely in its old or its new state, and in the new one after the command has reported
 * success.
 */
import { createHash } from 'node:crypto';
import { access, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { AICOPaths } from '@aico/shared/core/paths';
import {
  EncryptedDatabase,
  finishRestore,
  makeBackup,
  recoverRotation,
  restoreBackup,
} from '@aico/shared/data';
import { AICOKeyManager, COST_FLOOR } from '@aico/shared/security';
import type { Campaign } from './campaign.ts';
import { AICO, Child } from './fixtures/child.ts';
import { type Fate, Recording } from './fixtures/crash-states.ts';
import { below, randomFrom } from './fixtures/random.ts';
import { recorder, replay, whyNoStrace } from './fixtures/system-calls.ts';

const FULL_COUNT = 600;
const IN_BACKUP = 40;
const ROWS = 60;
const PASSWORD = 'the first heron of the evening';
const NEXT_PASSWORD = 'the second heron of the evening';

type Change = 'restore' | 'rotate-key' | 'backup' | 'passwd';
const CHANGES: readonly Change[] = ['restore', 'rotate-key', 'backup', 'passwd'];

interface World {
  /** The folder whose changes are recorded. */
  readonly root: string;
  /** The name of the backup to restore, below `root/backups`. */
  readonly backup: string;
  /** A folder whose changes are not recorded. */
  readonly scratch: string;
}

function pathsOf(root: string): AICOPaths {
  return new AICOPaths({ home: path.join(root, 'home') });
}

function placesOf(paths: AICOPaths) {
  return {
    file: paths.databaseFile,
    slotsFile: paths.keySlotsFile,
    keyFile: paths.keyFile,
    home: { configDir: paths.configDir, grantsFile: paths.busGrantsFile },
  };
}

function keysOf(paths: AICOPaths): AICOKeyManager {
  return new AICOKeyManager({
    slotsFile: paths.keySlotsFile,
    keyFile: paths.keyFile,
    passwordCost: COST_FLOOR,
  });
}

/** Makes a home that opens with a key file and a password, a backup of it, and some rows written after the backup. */
async function prepare(folder: string): Promise<World> {
  const [root, scratch] = [path.join(folder, 'world'), path.join(folder, 'scratch')];
  await mkdir(root);
  await mkdir(scratch);
  const paths = pathsOf(root);
  paths.ensure();
  await writeFile(paths.configFile, 'environment: test\n');
  const keys = keysOf(paths);
  await keys.setUp({ password: PASSWORD, keyFile: true });
  const fill = async (from: number, to: number): Promise<void> => {
    const db = await EncryptedDatabase.open({ file: paths.databaseFile, key: keys.databaseKey() });
    await db.execute('CREATE TABLE IF NOT EXISTS kept (n INTEGER PRIMARY KEY, text TEXT NOT NULL)');
    for (let n = from; n <= to; n += 1) await db.execute('INSERT INTO kept VALUES (?, ?)', [n, `row ${n}`]);
    await db.close();
  };
  await fill(1, IN_BACKUP);
  const { folder: made } = await makeBackup({
    ...placesOf(paths),
    key: keys.databaseKey(),
    directory: path.join(root, 'backups'),
  });
  await fill(IN_BACKUP + 1, ROWS);
  keys.lock();
  return { root, backup: path.basename(made), scratch };
}

/** Runs the command on the home of `world`, and records it. */
async function record(change: Change, world: World): Promise<Recording> {
  const { root, scratch } = world;
  const [present, wanted] = [path.join(scratch, 'present'), path.join(scratch, 'wanted')];
  await writeFile(present, `${PASSWORD}\n`);
  await writeFile(wanted, `${NEXT_PASSWORD}\n`);
  const args: Readonly<Record<Change, readonly string[]>> = {
    restore: ['db', 'restore', path.join(root, 'backups', world.backup), '--yes'],
    'rotate-key': ['db', 'rotate-key'],
    backup: ['db', 'backup', path.join(root, 'new-backups')],
    passwd: ['security', 'passwd', '--password-file', present, '--new-password-file', wanted],
  };
  const recording = await Recording.of(root);
  const trace = path.join(scratch, `${change}.trace`);
  const child = new Child(AICO, args[change], {
    env: { AICO_HOME: path.join(root, 'home') },
    under: recorder(trace),
    timeoutMs: 120_000,
  });
  const { code } = await child.ended;
  if (code !== 0) throw new Error(`${change} fails without a power loss: ${child.stderr}`);
  await replay(trace, root, recording);
  return recording;
}

/** Opens a rebuilt home as a start does. @returns the number of rows */
async function openAsStart(root: string): Promise<number> {
  const paths = pathsOf(root);
  const places = placesOf(paths);
  await finishRestore(places);
  const keys = keysOf(paths);
  await keys.unlock();
  try {
    await recoverRotation({ file: paths.databaseFile, keys });
    const db = await EncryptedDatabase.open({ file: paths.databaseFile, key: keys.databaseKey() });
    try {
      const whole = await db.execute<{ integrity_check: string }>('PRAGMA integrity_check');
      if (whole.fetchOne()?.integrity_check !== 'ok') throw new Error(JSON.stringify(whole.rows));
      const { rows } = await db.execute<{ n: number; text: string }>('SELECT n, text FROM kept ORDER BY n');
      for (const [index, { n, text }] of rows.entries())
        if (n !== index + 1 || text !== `row ${n}`) throw new Error(`row ${n} is another`);
      return rows.length;
    } finally {
      await db.close();
    }
  } finally {
    keys.lock();
  }
}

async function opensWith(root: string, password: string): Promise<boolean> {
  const keys = keysOf(pathsOf(root));
  return await keys.unlock({ password }).then(
    () => true,
    () => false,
  );
}

/** Describes the faults of a rebuilt state. `isDone`: the command had reported success. */
async function problemsOf(change: Change, root: string, isDone: boolean): Promise<readonly string[]> {
  const wrong: string[] = [];
  try {
    const paths = pathsOf(root);
    if ((await readFile(paths.configFile, 'utf8')) !== 'environment: test\n')
      wrong.push('the configuration is torn');
    const rows = await openAsStart(root);
    if (change === 'restore') {
      if (rows !== IN_BACKUP && (isDone || rows !== ROWS)) wrong.push(`${rows} rows after a restore`);
    } else if (rows !== ROWS) wrong.push(`${rows} rows instead of ${ROWS}`);
    if (change === 'passwd') {
      const [old, next] = [await opensWith(root, PASSWORD), await opensWith(root, NEXT_PASSWORD)];
      if (old === next || (isDone && !next)) wrong.push(`old password: ${old}, new password: ${next}`);
    }
    if (change === 'backup') wrong.push(...(await backupProblems(root, isDone)));
  } catch (error) {
    wrong.push(
      error instanceof Error ? `${error.message} (${String(Reflect.get(error, 'code'))})` : String(error),
    );
  }
  return wrong;
}

/** Checks that every backup folder without `.partial` can be restored. */
async function backupProblems(root: string, isDone: boolean): Promise<readonly string[]> {
  const directory = path.join(root, 'new-backups');
  const names = await readdir(directory).catch(() => []);
  const made = names.filter((name) => name.startsWith('aico-backup-') && !name.endsWith('.partial'));
  if (made.length === 0) return isDone ? ['the backup is gone'] : [];
  const elsewhere = path.join(root, 'elsewhere');
  const paths = pathsOf(elsewhere);
  paths.ensure();
  await restoreBackup({
    ...placesOf(paths),
    keyFile: pathsOf(root).keyFile,
    backup: path.join(directory, made[0] ?? ''),
    confirm: async () => true,
  });
  return await access(paths.databaseFile).then(
    () => [],
    () => ['the backup restores nothing'],
  );
}

/** Which unsynced changes a power loss keeps: none, all, or some, of which writes may be torn. */
function fates(random: () => number, kind: number): (event: number) => Fate {
  if (kind === 0) return () => false;
  if (kind === 1) return () => true;
  // The decision for each event is made once, so that a state is consistent.
  const share = random();
  const decided = new Map<number, Fate>();
  return (event) => {
    const known =
      decided.get(event) ?? (random() < share ? (random() < 0.2 ? below(random, 8_192) : true) : false);
    decided.set(event, known);
    return known;
  };
}

export const campaign: Campaign = async ({ count = FULL_COUNT, seed, report }) => {
  const reason = whyNoStrace();
  if (reason !== undefined) {
    report(`skipped: ${reason}`);
    return { runs: 0, failures: 0, ok: true, skipped: reason };
  }
  const random = randomFrom(seed);
  const folder = await mkdtemp(path.join(tmpdir(), 'aico-r23-'));
  const tried: Record<string, number> = {};
  let [runs, failures] = [0, 0];
  try {
    for (const [index, change] of CHANGES.entries()) {
      const place = path.join(folder, change);
      await mkdir(place);
      const recording = await record(change, await prepare(place));
      const total = recording.events.length;
      // Before a sync most changes are not durable; after the last event the command has reported success.
      const syncs = recording.events.flatMap(({ op }, at) => (op === 'sync' ? [at] : []));
      report(`${change}: ${total} changes and syncs recorded, ${syncs.length} of them syncs`);
      const share = Math.ceil((count - runs) / (CHANGES.length - index));
      const seen = new Set<string>();
      for (let n = 0; n < share; n += 1) {
        const isDone = n < 2;
        const moment = isDone
          ? total
          : n % 2 === 0
            ? (syncs[below(random, syncs.length)] ?? total)
            : below(random, total);
        const kind = isDone ? n : below(random, 6);
        const state = path.join(place, 'state');
        await recording.rebuild(state, moment, fates(random, kind));
        const name = await digestOf(state);
        if (!seen.has(name) || isDone) {
          seen.add(name);
          const wrong = await problemsOf(change, state, isDone);
          if (wrong.length > 0) {
            failures += 1;
            report(`${change}, power lost after ${moment} of ${total}, fate ${kind}: ${wrong.join('; ')}`);
          }
        }
        await rm(state, { recursive: true, force: true });
        runs += 1;
      }
      tried[change] = seen.size;
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  report(`different states: ${JSON.stringify(tried)}`);
  return { runs, failures, ok: failures === 0, states: tried };
};

async function digestOf(folder: string): Promise<string> {
  const hash = createHash('sha256');
  for (const entry of (await readdir(folder, { recursive: true, withFileTypes: true })).sort((a, b) =>
    path.join(a.parentPath, a.name) < path.join(b.parentPath, b.name) ? -1 : 1,
  )) {
    const place = path.join(entry.parentPath, entry.name);
    hash.update(`${path.relative(folder, place)}\0`);
    if (entry.isFile()) hash.update(await readFile(place));
  }
  return hash.digest('hex');
}
