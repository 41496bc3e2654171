import { InstanceLock } from '@aico/backend/instance-lock';
import { rotateKey } from '@aico/shared/data';
import type { CommandContext } from '../context.ts';
import { type SecretFiles, unlockedKeys } from '../security/home-keys.ts';
import { openWitness } from './witness.ts';

/** Encrypts the database of a backend that does not run under a new key. */
export async function rotateDatabaseKey(context: CommandContext, options: SecretFiles): Promise<void> {
  const { paths, output } = context;
  using _lock = new InstanceLock(paths);
  const keys = await unlockedKeys(context, options);
  try {
    const witness = await openWitness(paths.databaseFile);
    const { commits } = await rotateKey({ file: paths.databaseFile, keys, witness });
    output.print({ rotated: true, commits }, () =>
      [
        `The database is encrypted under a new key; it holds ${commits} commits.`,
        'Backups made before still open with their own key. What the disk held before may be recoverable from it for a while.',
      ].join('\n'),
    );
  } finally {
    keys.lock();
  }
}
