import { removeDurably } from '@aico/shared/core/paths';
import type { AICOKeyManager, SlotInfo } from '@aico/shared/security';
import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { changing } from '../outcome.ts';
import { keysOf, newPassword, type SecretFiles, secret, slotTable } from '../security/home-keys.ts';
import type { ConfirmOptions } from '../security/recovery.ts';
import { lock, runningState, unlock } from '../security/running.ts';
import { type SetupOptions, setUp } from '../security/setup.ts';
import {
  registerSlots,
  replaceRecoveryCode,
  withConfirmation,
  withSecretFiles,
} from '../security/slot-commands.ts';
import { askPassword } from '../terminal/prompts.ts';

const PASSWORD_CHANGE = {
  before: 'The password was not changed: the old one is in force.',
  after: 'The new password is in force.',
};

interface PasswdOptions {
  readonly newPasswordFile?: string;
  readonly passwordFile?: string;
}

export function register(program: Command, context: CommandContext): void {
  const security = program.command('security').description('see and change what opens the keys of this home');
  withConfirmation(
    security
      .command('setup')
      .description('make the keys of a new home, before its first start')
      .option('--password-file <file>', 'the password: the first line of a file; - reads the input')
      .option('--key-file', 'a key file in place of a password: for a machine that starts without a human')
      .option('--recovery', 'a recovery code as well'),
  ).action((options: SetupOptions) => setUp(context, options));
  security
    .command('status')
    .description('what opens the keys, failed tries, the keyring, and whether the running backend is locked')
    .action(() => status(context));
  security
    .command('passwd')
    .description('protect the home by a password in place of its key file, or change the password')
    .option('--password-file <file>', 'the present password: the first line of a file')
    .option('--new-password-file <file>', 'the new password: the first line of a file')
    .action((options: PasswdOptions) => passwd(context, options));
  withConfirmation(
    withSecretFiles(
      security.command('recovery').description('make a recovery code, in the place of one there was'),
    ),
  ).action((options: SecretFiles & ConfirmOptions) => replaceRecoveryCode(context, options));
  registerSlots(security, context);
  security
    .command('lock')
    .description('have the running backend stop what holds data and wipe its keys')
    .action(() => lock(context));
  withSecretFiles(security.command('unlock').description('have the running backend open its keys')).action(
    (options: SecretFiles) => unlock(context, options),
  );
}

async function status(context: CommandContext): Promise<void> {
  const keys = keysOf(context);
  const made = await keys.exists();
  const { openOsKeyring } = await import('@aico/shared/security');
  const [slots, throttle, keyring, backend] = await Promise.all([
    made ? keys.slots() : [],
    keys.throttle(),
    openOsKeyring().then(
      () => 'available',
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    ),
    runningState(context),
  ]);
  context.output.print({ slots, throttle, keyring, backend: backend ?? null }, (found) =>
    [
      found.slots.length === 0
        ? 'No keys have been made yet: the first start makes them, or aico security setup.'
        : slotTable(found.slots),
      '',
      `failed tries: ${throttle.failures}${throttle.retryAfterMs > 0 ? `, the next is looked at in ${Math.ceil(throttle.retryAfterMs / 1_000)} s` : ''}`,
      `keyring: ${keyring}`,
      `backend: ${backend ?? 'does not run, or does not tell'}`,
    ].join('\n'),
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
      const present = await secret(options.passwordFile, 'Present password', askPassword);
      const next = await newPassword(options.newPasswordFile);
      await changing(PASSWORD_CHANGE, () => keys.changePassword(present, next));
      context.output.print({ changed: true }, () => 'The password is changed.');
    } else {
      await keys.unlock();
      const password = await newPassword(options.newPasswordFile);
      await changing(
        {
          before: 'The home is protected as before: no password was added.',
          after: 'The password opens the home, and the key file still does as well.',
        },
        () => keys.addPassword(password),
      );
      await changing(
        {
          before:
            'The password opens the home, and the key file still does as well: remove its slot with `aico security slots remove`.',
          after: `The home is protected by the password alone; delete ${context.paths.keyFile}.`,
        },
        () => removeKeyFile(context, keys, slots),
      );
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
  await removeDurably(paths.keyFile);
}
