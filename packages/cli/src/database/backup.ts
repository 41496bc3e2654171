import path from 'node:path';
import { readInstance } from '@aico/backend/instance';
import { InstanceLock } from '@aico/backend/instance-lock';
import { ask } from '@aico/client/ask';
import {
  type Backup,
  finishRestore,
  type HomeFilePlaces,
  makeBackup,
  NOT_IN_A_BACKUP,
  recoverRotation,
  restoreBackup,
} from '@aico/shared/data';
import type { CommandContext } from '../context.ts';
import { UsageError } from '../errors.ts';
import { fromFiles, keysOf, type SecretFiles, unlockedKeys } from '../security/home-keys.ts';
import { canAsk } from '../terminal/prompts.ts';
import { openWitness } from './witness.ts';

/** Backs the home up: through the running backend where there is one, else by itself. */
export async function backUp(context: CommandContext, directory: string, files: SecretFiles): Promise<void> {
  const { paths, output } = context;
  if (directory === '')
    throw new UsageError('the folder for the backup is empty text', 'Name a folder; . is this one.');
  const target = path.resolve(directory);
  const running = readInstance(paths.instanceFile);
  const made = running === undefined ? await offline(context, target, files) : await online(context, target);
  const kinds = (await keysOf(context).slots()).map(({ kind }) => kind);
  if (!kinds.some((kind) => kind === 'password' || kind === 'recovery'))
    output.note(
      'What opens this backup is no part of it: keep the key file elsewhere, or make a recovery code (aico security recovery) and back up again.',
    );
  output.print(
    made,
    ({ folder, manifest }) =>
      `${folder}\n${manifest.commits} commits, ${manifest.database.bytes} bytes, encrypted and read back whole\nIn it: the database, the key slots, the configuration and the bus grants. ${NOT_IN_A_BACKUP}`,
  );
}

async function online(context: CommandContext, directory: string): Promise<Backup> {
  return await ask(await context.client(), 'post', '/api/v1/database/backup', { body: { directory } });
}

async function offline(context: CommandContext, directory: string, files: SecretFiles): Promise<Backup> {
  const { paths } = context;
  using _lock = new InstanceLock(paths);
  const home = homeOf(context);
  await finishRestore({ file: paths.databaseFile, slotsFile: paths.keySlotsFile, home });
  const keys = await unlockedKeys(context, files);
  await recoverRotation({ file: paths.databaseFile, keys });
  const key = keys.databaseKey();
  try {
    return await makeBackup({
      file: paths.databaseFile,
      slotsFile: paths.keySlotsFile,
      home,
      key,
      directory,
    });
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

/** Puts a backup in the place of what the home holds; the backend must not run. */
export async function restore(
  context: CommandContext,
  backup: string,
  options: RestoreCommandOptions,
): Promise<void> {
  const { paths, output } = context;
  if (backup === '')
    throw new UsageError("the backup's folder is empty text", 'Name a folder; . is this one.');
  paths.ensure();
  using _lock = new InstanceLock(paths);
  const credentials = await fromFiles(options);
  const restored = await restoreBackup({
    backup: path.resolve(backup),
    file: paths.databaseFile,
    slotsFile: paths.keySlotsFile,
    keyFile: paths.keyFile,
    home: homeOf(context),
    witness: await openWitness(paths.databaseFile),
    ...(credentials === undefined ? {} : { credentials }),
    confirm: async ({ createdAt, commits, version }) => {
      output.note(`A backup of ${createdAt} with ${commits} commits; it opens and is whole.`);
      output.note(
        version === 1
          ? 'It holds neither configuration nor bus grants: those of this home stay as they are.'
          : 'The configuration and the bus grants are restored with it.',
      );
      if (options.yes === true) return true;
      if (!canAsk()) throw new UsageError('there is nobody to ask', 'Pass --yes to restore it.');
      const { confirm } = await import('@inquirer/prompts');
      return await confirm(
        { message: 'Put it in the place of what is there now?', default: false },
        { output: process.stderr },
      );
    },
  });
  output.print(restored ?? { restored: false }, () =>
    restored === undefined
      ? 'Nothing was changed.'
      : `Restored. What was there before lies in ${restored.aside}; delete it when you are sure.`,
  );
}
