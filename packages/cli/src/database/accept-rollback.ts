import { InstanceLock } from '@aico/backend/instance-lock';
import { acceptRollback, type RollbackFinding, recoverRotation } from '@aico/shared/data';
import type { CommandContext } from '../context.ts';
import { UsageError } from '../errors.ts';
import { canAsk } from '../password.ts';
import { type SecretFiles, unlockedKeys } from '../security/home-keys.ts';
import { openWitness } from './witness.ts';

export interface AcceptOptions extends SecretFiles {
  readonly yes?: boolean;
  readonly cipher?: string;
}

/** Shows what is missing, asks, and makes the database that lies there the newest. */
export async function acceptRolledBack(context: CommandContext, options: AcceptOptions): Promise<void> {
  const { cipher = 'aegis' } = options;
  if (cipher !== 'aegis' && cipher !== 'sqlcipher')
    throw new UsageError(`there is no cipher "${cipher}"`, 'aegis or sqlcipher.');
  const { paths, output } = context;
  using _lock = new InstanceLock(paths.lockFile, paths.instanceFile);
  const keys = await unlockedKeys(context, options);
  await recoverRotation({ file: paths.databaseFile, keys });
  const key = keys.databaseKey();
  try {
    const outcome = await acceptRollback({
      file: paths.databaseFile,
      key,
      cipher,
      confirm: async (finding) => {
        output.note(describe(finding));
        return await agreed(options);
      },
    });
    const accepted = outcome.accepted || (await acceptedOverWitness(context, outcome, options));
    output.print({ ...outcome, accepted }, ({ state }) => {
      if (accepted) return 'Accepted. The next start takes this database for the newest.';
      return state === 'in-order'
        ? 'There is nothing to accept: the database is the newest.'
        : 'Nothing was changed.';
    });
  } finally {
    key.fill(0);
    keys.lock();
  }
}

async function agreed({ yes }: AcceptOptions): Promise<boolean> {
  if (yes === true) return true;
  if (!canAsk()) throw new UsageError('there is nobody to ask', 'Pass --yes to accept it.');
  const { confirm } = await import('@inquirer/prompts');
  return await confirm(
    { message: 'Take it as it is? What is missing is then given up.', default: false },
    { output: process.stderr },
  );
}

/** What the head beside the database accepts, the one in the keyring may doubt: it is made to forget, if that is wanted. */
async function acceptedOverWitness(
  { paths, output }: CommandContext,
  { accepted, found, state, file }: RollbackFinding & { readonly accepted: boolean },
  options: AcceptOptions,
): Promise<boolean> {
  const witness = await openWitness(paths.databaseFile);
  if (accepted) await witness?.forget();
  if (witness === undefined || accepted || state !== 'in-order' || found === undefined) return false;
  const known = await witness.doubts(found);
  if (known === undefined) return false;
  output.note(
    `The keyring knows of ${known.commits} commits${known.epoch === found.epoch ? '' : ' in another life of the database'}, and ${file} holds ${found.commits}.`,
  );
  if (!(await agreed(options))) return false;
  await witness.forget();
  return true;
}

function describe({ file, found, expected, state, missing }: RollbackFinding): string {
  switch (state) {
    case 'in-order':
      return `${file} is the newest.`;
    case 'older':
      return `${file} holds ${found?.commits} commits of ${expected?.commits}: the last ${missing} are missing.`;
    case 'another':
      return `${file} is another database than the one that was here, or from before a restore. It holds ${found?.commits ?? 'an unknown number of'} commits; ${expected?.commits} are known of the one that was here.`;
    case 'no-head':
      return `Nothing vouches for ${file}: its head is gone or damaged. It holds ${found?.commits ?? 'an unknown number of'} commits; nobody can tell how many there should be.`;
  }
}
