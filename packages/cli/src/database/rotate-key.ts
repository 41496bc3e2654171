import { InstanceLock } from '@aico/backend/instance-lock';
import { rotateKey } from '@aico/shared/data';
import type { CommandContext } from '../context.ts';
import { unlockedKeys } from '../security/home-keys.ts';
import type { SecretFiles } from '../security/secret-files.ts';
import { requireConfigured } from './engine.ts';
import { openWitness } from './witness.ts';

/** Encrypts the database of a stopped backend under a new key. */
export async function rotateDatabaseKey(context: CommandContext, options: SecretFiles): Promise<void> {
  await requireConfigured(context, 'rotate-key');
  const { paths, output } = context;
  using _lock = new InstanceLock(paths);
  const keys = await unlockedKeys(context, options);
  try {
    const witness = await openWitness(paths.databaseFile);
    const { commits } = await rotateKey({ file: paths.databaseFile, keys, witness });
    output.print({ rotated: true, commits }, () =>
      [
        `The database is encrypted under a new key; it holds ${commits} commits.`,
        'Backups from before still open with their own key. The disk may hold traces of the previous file for a while.',
      ].join('\n'),
    );
  } finally {
    keys.lock();
  }
}
