import { rm } from 'node:fs/promises';
import type { SlotInfo } from '@aico/shared/security';
import { AICOKeyManager } from '@aico/shared/security';
import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { UsageError } from '../errors.ts';
import { table } from '../output.ts';
import { askNewPassword, askPassword, canAsk, passwordFrom } from '../password.ts';

interface PasswdOptions {
  readonly newPasswordFile?: string;
  readonly passwordFile?: string;
}

export function register(program: Command, context: CommandContext): void {
  const security = program.command('security').description('see and change what opens the keys of this home');
  security
    .command('status')
    .description('what opens the keys: a key file, a password')
    .action(() => status(context));
  security
    .command('passwd')
    .description('protect the home by a password in place of its key file, or change the password')
    .option('--password-file <file>', 'the present password: the first line of a file')
    .option('--new-password-file <file>', 'the new password: the first line of a file')
    .action((options: PasswdOptions) => passwd(context, options));
}

function keysOf({ paths }: CommandContext): AICOKeyManager {
  return new AICOKeyManager({ slotsFile: paths.keySlotsFile, keyFile: paths.keyFile });
}

async function status(context: CommandContext): Promise<void> {
  const keys = keysOf(context);
  const slots = (await keys.exists()) ? await keys.slots() : [];
  context.output.print({ slots }, ({ slots: found }) =>
    found.length === 0
      ? 'No keys have been made yet: the first start makes them.'
      : table(
          ['opened by', 'since', 'slot'],
          found.map(({ kind, createdAt, id }) => [kind, createdAt, id]),
        ),
  );
}

/**
 * Nothing but the slot file changes, so the database stays as it is, however large; a backend that runs goes on. Each
 * step leaves a home that opens: the new slot is there before the old one goes.
 */
async function passwd(context: CommandContext, options: PasswdOptions): Promise<void> {
  const keys = keysOf(context);
  const slots = await keys.slots();
  try {
    if (slots.some(({ kind }) => kind === 'password')) {
      const present = await given(options.passwordFile, 'Present password', askPassword);
      const next = await given(options.newPasswordFile, 'New password', askNewPassword);
      await keys.changePassword(present, next);
      context.output.print({ changed: true }, () => 'The password is changed.');
    } else {
      await keys.unlock();
      await keys.addPassword(await given(options.newPasswordFile, 'New password', askNewPassword));
      await removeKeyFile(context, keys, slots);
      context.output.print({ changed: true }, () =>
        [
          'The home is protected by the password; the key file is gone.',
          'Whoever copied the key file together with the key slots before can still open what they copied.',
        ].join('\n'),
      );
    }
  } finally {
    keys.lock();
  }
}

async function removeKeyFile(
  { paths }: CommandContext,
  keys: AICOKeyManager,
  slots: readonly SlotInfo[],
): Promise<void> {
  for (const { kind, id } of slots) if (kind === 'key-file') await keys.removeSlot(id);
  await rm(paths.keyFile, { force: true });
}

async function given(
  file: string | undefined,
  question: string,
  ask: (question: string) => Promise<string>,
): Promise<string> {
  if (file !== undefined) return passwordFrom(file);
  if (canAsk()) return ask(question);
  throw new UsageError(
    `${question.toLowerCase()}: there is nobody to ask`,
    'Give it as the first line of a file: --password-file FILE for the present one, --new-password-file FILE for the new one.',
  );
}
