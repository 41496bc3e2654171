import { InstanceLock } from '@aico/backend/instance-lock';
import {
  type AcceptRollbackOptions,
  acceptRollback,
  type RollbackFinding,
  recoverRotation,
} from '@aico/shared/data';
import type { CommandContext } from '../context.ts';
import { UsageError } from '../errors.ts';
import { changing } from '../outcome.ts';
import { recordEvent } from '../security/audit.ts';
import { unlockedKeys } from '../security/home-keys.ts';
import type { SecretFiles } from '../security/secret-files.ts';
import { confirmed } from '../terminal/prompts.ts';
import { requireConfigured } from './engine.ts';
import { openWitness } from './witness.ts';

export interface AcceptOptions extends SecretFiles {
  readonly yes?: boolean;
  readonly cipher?: string;
}

/** Shows the missing commits, asks for confirmation, and accepts the present database as the newest. */
export async function acceptRolledBack(context: CommandContext, options: AcceptOptions): Promise<void> {
  const { cipher = 'aegis' } = options;
  if (cipher !== 'aegis' && cipher !== 'sqlcipher')
    throw new UsageError(`there is no cipher "${cipher}"`, 'aegis or sqlcipher.');
  await requireConfigured(context, 'rollback-guard');
  const { paths, output } = context;
  using _lock = new InstanceLock(paths);
  const keys = await unlockedKeys(context, options);
  await recoverRotation({ file: paths.databaseFile, keys });
  const key = keys.databaseKey();
  try {
    const states = {
      before: 'The database is not accepted yet; run the command again.',
      after: 'The database is accepted.',
    };
    const accepting = {
      file: paths.databaseFile,
      key,
      cipher,
      witness: await openWitness(paths.databaseFile),
      confirm: async (finding) => {
        output.note(describe(finding));
        return confirmed('Accept it as it is? What is missing is then given up.', options);
      },
    } satisfies AcceptRollbackOptions;
    const outcome = await changing(states, () => acceptRollback(accepting));
    const { adopted: _, ...finding } = outcome;
    const { accepted, state, missing } = finding;
    if (accepted && state !== 'in-order')
      await recordEvent(context, { action: 'database.rollback_accepted', details: { state, missing } });
    output.print(finding, () => {
      if (accepted && state === 'gone') return 'Accepted. The next start makes an empty database.';
      if (accepted) return 'Accepted. The next start treats this database as the newest.';
      return state === 'in-order'
        ? 'There is nothing to accept: the database is the newest one.'
        : 'Nothing was changed.';
    });
  } finally {
    key.fill(0);
    keys.lock();
  }
}

function describe({ file, found, expected, state, missing }: RollbackFinding): string {
  switch (state) {
    case 'in-order':
      return `${file} is the newest one.`;
    case 'older':
      return `${file} holds ${found?.commits} commits of ${expected?.commits}: the last ${missing} are missing.`;
    case 'another':
      return `${file} is another database than the one that was here, or from before a restore. It holds ${found?.commits ?? 'an unknown number of'} commits; ${expected?.commits} are known of the one that was here.`;
    case 'gone':
      return `${file} does not exist. The keyring knows of ${expected?.commits} commits; the next start would make an empty database.`;
    case 'no-head':
      return `${file} cannot be verified: its head is missing or damaged. It holds ${found?.commits ?? 'an unknown number of'} commits; how many there should be is not known.`;
  }
}
