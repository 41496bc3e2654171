import { readdir, readFile, realpath } from 'node:fs/promises';
import path from 'node:path';
import { parseJson } from '@aico/protocol';
import { type Static, Type } from 'typebox';
import { Check } from 'typebox/value';
import {
  copyPrivateFile,
  makePrivateFolder,
  moveDurably,
  removeDurably,
  syncFolder,
  writePrivateFile,
} from '../../core/paths/index.ts';
import { AICOKeyManager, type UnlockCredentials, wipe } from '../../security/index.ts';
import type { DatabaseStamp } from '../engine/commit-record.ts';
import { claimedHistory, headFileOf } from '../file/database-head.ts';
import { acceptRollback } from './accept-rollback.ts';
import { BACKUP_FILES, type BackupManifest, homeFilesOf, proveBackup, readBackup } from './backup.ts';
import { exists } from './disk-space.ts';
import { BackupDamagedError, RestoreIntentError, RestoreUnfinishedError } from './errors.ts';
import type { HeadWitness } from './head-witness.ts';
import type { HomeFile, HomeFilePlaces } from './home-files.ts';

/** The files of a home that a backup contains. */
interface RestorePlaces {
  readonly file: string;
  readonly slotsFile: string;
  readonly keyFile: string;
  readonly home: HomeFilePlaces;
}

/** The backup that is restored, and the home that it is restored to. */
export interface RestoreOptions extends RestorePlaces {
  /** The backup's folder. */
  readonly backup: string;
  /** Credentials for the key slots of the backup. Default: the sources that work unattended. */
  readonly credentials?: UnlockCredentials;
  /** Called once the backup has been verified, before the home is changed. `false` cancels the restore. */
  readonly confirm: (manifest: BackupManifest) => Promise<boolean>;
  /** The second head of the home, which is told the new history and the one that it replaces. */
  readonly witness?: HeadWitness | undefined;
  readonly now?: () => Date;
  /** Called after each step, so that tests can end the process there. */
  readonly onStep?: (step: string) => void;
}

const Intent = Type.Object(
  {
    format: Type.Literal('aico-restore'),
    version: Type.Literal(1),
    /** The name of the folder that receives the previous files. */
    aside: Type.String({ pattern: '^before-restore-[0-9TZ-]+$' }),
    /** Whether the backup contains bus grants; absent for a backup of a version that stores none. */
    grants: Type.Optional(Type.Union([Type.Literal('restored'), Type.Literal('none')])),
  },
  { additionalProperties: false },
);

/** The names of the parts in the staging folder. */
const STAGED = {
  database: 'aico.db',
  slots: 'key-slots.json',
  grants: 'bus-grants.json',
  configuration: 'config',
} as const;

const stagingOf = (file: string): string => path.join(path.dirname(file), 'restore.partial');
const intentOf = (file: string): string => path.join(path.dirname(file), 'restore.json');

/**
 * Replaces a home's database and key slots by a backup. The backend must not run; the home may be empty. The backup is read
 * completely, and opened with its own keys, before anything of the home changes; the previous files are kept beside it. If the
 * process dies at any moment, the home is unchanged, or {@link finishRestore} completes the restore.
 *
 * @returns the folder of the previous files; `undefined` when it was not confirmed
 * @throws {BackupDamagedError} and the key manager's errors; nothing has changed then
 */
export async function restoreBackup(
  options: RestoreOptions,
): Promise<{ readonly aside: string; readonly manifest: BackupManifest } | undefined> {
  const { backup, file, confirm, witness, now = () => new Date(), onStep = () => {} } = options;
  await finishRestore(options);
  const staging = stagingOf(file);
  const folder = path.dirname(file);
  const read = await readBackup(backup);
  await removeDurably(staging);
  await makePrivateFolder(staging);
  try {
    const staged = { file: path.join(staging, STAGED.database), slots: path.join(staging, STAGED.slots) };
    let homeFiles: readonly HomeFile[] | undefined;
    await copyPrivateFile(path.join(backup, BACKUP_FILES.keySlots), staged.slots);
    await copyPrivateFile(path.join(backup, BACKUP_FILES.database), staged.file);
    onStep('copied');
    const keys = new AICOKeyManager({ slotsFile: staged.slots, keyFile: options.keyFile });
    await keys.unlock(options.credentials ?? {});
    const key = keys.databaseKey();
    let adopted: DatabaseStamp | undefined;
    try {
      proveBackup(backup, read, key);
      homeFiles = await homeFilesOf(backup, read.manifest, key);
      // The restored database starts a new history, so that a copy of the previous one is refused. Its head names the history it
      // replaces, so that the witness accepts it at the first opening, even if this process is killed before that. The call also
      // opens the database, which shows that the key fits.
      const replaces = (await witness?.known()) ?? (await claimedHistory(file));
      const { accepted, adopted: history } = await acceptRollback({
        file: staged.file,
        key,
        replaces,
        cipher: read.manifest.cipher,
        confirm: async ({ found }) => {
          if (found?.id !== read.manifest.databaseId || found.commits !== read.manifest.commits)
            throw new BackupDamagedError(backup, 'its database is not the one that its manifest describes');
          return confirm(read.manifest);
        },
      });
      if (!accepted) return undefined;
      adopted = history;
    } finally {
      wipe(key);
      keys.lock();
    }
    onStep('verified');
    const aside = `before-restore-${now().toISOString().replace(/[:.]/g, '-')}`;
    const grants = homeFiles === undefined ? {} : await stage(staging, homeFiles);
    const intent: Static<typeof Intent> = { format: 'aico-restore', version: 1, aside, ...grants };
    await syncFolder(staging);
    // This is the commit point: from here on an interrupted restore is completed and never undone.
    await writePrivateFile(intentOf(file), JSON.stringify(intent));
    onStep('decided');
    await finishRestore(options);
    if (adopted !== undefined) await witness?.adopt(adopted).catch(() => undefined);
    return { aside: path.join(folder, aside), manifest: read.manifest };
  } catch (error) {
    if (await exists(intentOf(file))) throw new RestoreUnfinishedError(file, error);
    throw error;
  } finally {
    if (!(await exists(intentOf(file)))) await removeDurably(staging);
  }
}

/**
 * Completes an interrupted restore, if there is one. Must be called before the keys of a home are opened.
 *
 * @returns whether there was one
 */
export async function finishRestore({
  file,
  slotsFile,
  home,
  onStep = () => {},
}: Pick<RestoreOptions, 'file' | 'slotsFile' | 'home' | 'onStep'>): Promise<boolean> {
  const folder = path.dirname(file);
  const intent = await readIntent(intentOf(file));
  if (intent === undefined) return false;
  const staging = stagingOf(file);
  const aside = path.join(folder, intent.aside);
  await makePrivateFolder(aside);
  // SQLite would apply the old log to the restored database, so the log is moved first.
  if (await exists(path.join(staging, STAGED.database)))
    for (const side of ['-wal', '-shm']) await moveAside(`${file}${side}`, aside);
  onStep('logs aside');
  await placeConfiguration(path.join(staging, STAGED.configuration), home.configDir, aside);
  onStep('configuration in place');
  // The previous grants are authenticated with keys that the restored home does not have.
  if (intent.grants === 'none') await moveAside(home.grantsFile, aside);
  for (const [staged, place] of [
    [STAGED.grants, home.grantsFile],
    [STAGED.database, file],
    [`${STAGED.database}.head`, headFileOf(file)],
    [STAGED.slots, slotsFile],
  ] as const) {
    const from = path.join(staging, staged);
    if (!(await exists(from))) continue;
    await moveAside(place, aside);
    onStep(`${staged} aside`);
    await moveDurably(from, place);
    onStep(`${staged} in place`);
  }
  // This file counts failed unlock attempts of the previous slots.
  await removeDurably(`${slotsFile}.tries`);
  // The intent is removed before the staging folder: while it exists, the restore is repeated and needs that folder.
  await removeDurably(intentOf(file));
  await removeDurably(staging);
  onStep('done');
  return true;
}

/** Writes the configuration and bus grants of the backup into the staging folder. */
async function stage(
  staging: string,
  files: readonly HomeFile[],
): Promise<{ readonly grants: 'restored' | 'none' }> {
  const folder = path.join(staging, STAGED.configuration);
  await makePrivateFolder(folder);
  for (const { kind, name, content } of files)
    await writePrivateFile(
      kind === 'bus-grants' ? path.join(staging, STAGED.grants) : path.join(folder, name),
      Buffer.from(content, 'base64'),
    );
  return { grants: files.some(({ kind }) => kind === 'bus-grants') ? 'restored' : 'none' };
}

/**
 * Replaces each configuration file and keeps the previous one in `aside`. Files are copied, not moved, because the configuration
 * may be on another disk; a symbolic link keeps pointing to its target. Idempotent.
 */
async function placeConfiguration(staged: string, configDir: string, aside: string): Promise<void> {
  if (!(await exists(staged))) return;
  await makePrivateFolder(configDir);
  for (const name of await readdir(staged)) {
    const target = await realpath(path.join(configDir, name)).catch(() => path.join(configDir, name));
    const former = path.join(aside, name);
    if ((await exists(target)) && !(await exists(former))) await copyPrivateFile(target, former);
    await copyPrivateFile(path.join(staged, name), target);
    await removeDurably(path.join(staged, name));
  }
}

async function readIntent(file: string): Promise<Static<typeof Intent> | undefined> {
  if (!(await exists(file))) return undefined;
  try {
    const parsed: unknown = parseJson(await readFile(file, 'utf8'));
    if (Check(Intent, parsed)) return parsed;
  } catch (error) {
    throw new RestoreIntentError(file, error);
  }
  throw new RestoreIntentError(file, undefined);
}

async function moveAside(file: string, aside: string): Promise<void> {
  if (await exists(file)) await moveDurably(file, path.join(aside, path.basename(file)));
}
