import { stat } from 'node:fs/promises';
import path from 'node:path';
import { readInstance } from '@aico/backend/instance';
import { InstanceLock } from '@aico/backend/instance-lock';
import { ask } from '@aico/client/ask';
import { counted } from '@aico/protocol';
import {
  BACKUP_FILES,
  type Backup,
  finishRestore,
  type HomeFilePlaces,
  makeBackup,
  NOT_IN_A_BACKUP,
  recoverRotation,
  restoreBackup,
} from '@aico/shared/data';
import { AICOKeyManager, KeyNotGivenError } from '@aico/shared/security';
import { pathArgument } from '../argument-values.ts';
import type { CommandContext } from '../context.ts';
import { UsageError } from '../errors.ts';
import { recordEvent } from '../security/audit.ts';
import { keysOf, kindsOf, unlockedKeys } from '../security/home-keys.ts';
import type { SecretFiles } from '../security/secret-files.ts';
import { unlocking } from '../security/unlocking.ts';
import { confirmed } from '../terminal/prompts.ts';
import { requireConfigured } from './engine.ts';
import { openWitness } from './witness.ts';

/** Backs up the home, through the running backend if there is one. */
export async function backUp(context: CommandContext, directory: string, files: SecretFiles): Promise<void> {
  const { paths, output } = context;
  const target = pathArgument(directory);
  const running = readInstance(paths.instanceFile);
  const made = running === undefined ? await offline(context, target, files) : await online(context, target);
  const kinds = await kindsOf(keysOf(context));
  if (!kinds.some((kind) => kind === 'password' || kind === 'recovery'))
    output.note(
      `What opens this backup is not part of it: keep a copy of the key file (${paths.keyFile}) elsewhere, or make a recovery code (aico security recovery) and back up again.`,
    );
  output.print(made, ({ folder, manifest }) =>
    [
      folder,
      `${counted(manifest.commits, 'commit')}, ${counted(manifest.database.bytes, 'byte')}, encrypted and read back in full`,
      `It contains the database, the key slots, the configuration and the bus grants. ${NOT_IN_A_BACKUP}`,
    ].join('\n'),
  );
}

async function online(context: CommandContext, directory: string): Promise<Backup> {
  return await ask(await context.client(), 'post', '/api/v1/database/backup', { body: { directory } });
}

async function offline(context: CommandContext, directory: string, files: SecretFiles): Promise<Backup> {
  await requireConfigured(context, 'backup');
  const { paths } = context;
  using _lock = new InstanceLock(paths);
  const home = homeOf(context);
  await finishRestore({ file: paths.databaseFile, slotsFile: paths.keySlotsFile, home });
  const keys = await unlockedKeys(context, files);
  await recoverRotation({ file: paths.databaseFile, keys });
  const key = keys.databaseKey();
  try {
    const backup = await makeBackup({
      file: paths.databaseFile,
      slotsFile: paths.keySlotsFile,
      home,
      key,
      directory,
    });
    await recordEvent(context, { action: 'database.backed_up', details: { folder: backup.folder } });
    return backup;
  } finally {
    key.fill(0);
    keys.lock();
  }
}

function homeOf({ paths }: CommandContext): HomeFilePlaces {
  return { configDir: paths.configDir, grantsFile: paths.busGrantsFile };
}

export interface RestoreCommandOptions extends SecretFiles {
  readonly yes?: boolean;
}

/** Replaces the content of the home by a backup; the backend must not run. */
export async function restore(
  context: CommandContext,
  folder: string,
  options: RestoreCommandOptions,
): Promise<void> {
  await requireConfigured(context, 'restore');
  const { paths, output } = context;
  const backup = pathArgument(folder);
  await refuseUnlessFolder(backup);
  paths.ensure();
  using _lock = new InstanceLock(paths);
  const keys = new AICOKeyManager({
    slotsFile: path.join(backup, BACKUP_FILES.keySlots),
    keyFile: paths.keyFile,
  });
  const witness = await openWitness(paths.databaseFile);
  const restored = await unlocking(options, {
    kinds: () => kindsOf(keys),
    open: async (credentials) => {
      // Checked before the backup is copied, which may take long.
      if (Object.keys(credentials).length === 0) await requireUnattendedKey(keys);
      return restoreBackup({
        backup,
        file: paths.databaseFile,
        slotsFile: paths.keySlotsFile,
        keyFile: paths.keyFile,
        home: homeOf(context),
        witness,
        credentials,
        confirm: async ({ createdAt, commits, version }) => {
          output.note(
            `A backup of ${createdAt} with ${counted(commits, 'commit')}; it opens and is complete.`,
          );
          output.note(
            version === 1
              ? 'It contains neither configuration nor bus grants: those of this home stay as they are.'
              : 'The configuration and the bus grants are restored with it.',
          );
          return confirmed('Replace what this home holds now?', options);
        },
      });
    },
  });
  if (restored !== undefined) {
    const { createdAt, commits } = restored.manifest;
    const details = { backup: createdAt, commits };
    await recordEvent(context, { action: 'database.restored', details });
  }
  output.print(restored ?? { restored: false }, () =>
    restored === undefined
      ? 'Nothing was changed.'
      : `Restored. What was there before is kept in ${restored.aside}; delete it when you are sure.`,
  );
}

/** @throws {KeyNotGivenError} when nothing opens the backup without a person; other failures are the restore's to report */
async function requireUnattendedKey(keys: AICOKeyManager): Promise<void> {
  try {
    await keys.unlock();
  } catch (error) {
    if (error instanceof KeyNotGivenError) throw error;
  } finally {
    keys.lock();
  }
}

async function refuseUnlessFolder(backup: string): Promise<void> {
  const found = await stat(backup).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
  if (found?.isDirectory() === true) return;
  throw new UsageError(
    found === undefined ? `there is no folder ${backup}` : `${backup} is not a folder`,
    'Name the folder that `aico db backup` printed.',
  );
}
