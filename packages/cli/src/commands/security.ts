import { reasonOf } from '@aico/protocol';
import { removeDurably } from '@aico/shared/core/paths';
import type { AICOKeyManager, SlotInfo } from '@aico/shared/security';
import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { changing } from '../outcome.ts';
import { keysOf, newPassword, slotTable, unlockedKeys } from '../security/home-keys.ts';
import { type ConfirmOptions, withConfirmation } from '../security/recovery.ts';
import { lock, runningState, unlock } from '../security/running.ts';
import { readSecret, type SecretFiles, withSecretFiles } from '../security/secret-files.ts';
import { type SetupOptions, setUp } from '../security/setup.ts';
import { registerSlots, replaceRecoveryCode } from '../security/slot-commands.ts';
import { askSecret, requireTerminal } from '../terminal/prompts.ts';

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
      .option('--key-file', 'a key file instead of a password: for a machine that starts unattended')
      .option('--recovery', 'a recovery code as well'),
  ).action((options: SetupOptions) => setUp(context, options));
  security
    .command('status')
    .description('the key slots, failed attempts, the keyring, and whether the running backend is locked')
    .action(() => status(context));
  security
    .command('passwd')
    .description('protect the home by a password in place of its key file, or change the password')
    .option('--password-file <file>', 'the present password: the first line of a file')
    .option('--new-password-file <file>', 'the new password: the first line of a file')
    .action((options: PasswdOptions) => passwd(context, options));
  withConfirmation(
    withSecretFiles(
      security.command('recovery').description('make a recovery code, which replaces the previous one'),
    ),
  ).action((options: SecretFiles & ConfirmOptions) => replaceRecoveryCode(context, options));
  registerSlots(security, context);
  security
    .command('lock')
    .description('make the running backend stop the services that hold data and wipe its keys')
    .action(() => lock(context));
  withSecretFiles(security.command('unlock').description('make the running backend open its keys')).action(
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
      (error: unknown) => reasonOf(error),
    ),
    runningState(context),
  ]);
  context.output.print({ slots, throttle, keyring, backend: backend ?? null }, (found) =>
    [
      found.slots.length === 0
        ? 'No keys have been made yet: the first start makes them, or aico security setup.'
        : slotTable(found.slots),
      '',
      `failed attempts: ${throttle.failures}${throttle.retryAfterMs > 0 ? `, the next is considered in ${Math.ceil(throttle.retryAfterMs / 1_000)} s` : ''}`,
      `keyring: ${keyring}`,
      `backend: ${backend ?? 'not running, or no answer'}`,
    ].join('\n'),
  );
}

/**
 * Changes the slot file only: the database is not rewritten, and a running backend continues. The home can be opened after each
 * step, since the new slot is added before the old one is removed.
 */
async function passwd(context: CommandContext, options: PasswdOptions): Promise<void> {
  const slots = await keysOf(context).slots();
  if (slots.some(({ kind }) => kind === 'password')) await changePassword(context, options);
  else await replaceKeyFile(context, options, slots);
}

async function changePassword(context: CommandContext, options: PasswdOptions): Promise<void> {
  const keys = keysOf(context);
  const present = await presentPassword(options.passwordFile);
  const next = await newPassword(options.newPasswordFile);
  await changing(PASSWORD_CHANGE, () => keys.changePassword(present, next));
  context.output.print({ changed: true }, () => 'The password is changed.');
}

async function presentPassword(file: string | undefined): Promise<string> {
  if (file !== undefined) return readSecret(file, 'password');
  requireTerminal('the present password', 'Give it in a file: --password-file FILE, or - for the input.');
  return askSecret('Present password');
}

/** Adds a password to a home that has none, and removes the key file if there is one. */
async function replaceKeyFile(
  context: CommandContext,
  options: PasswdOptions,
  slots: readonly SlotInfo[],
): Promise<void> {
  const { keyFile } = context.paths;
  const hasKeyFile = slots.some(({ kind }) => kind === 'key-file');
  const still = `The password opens the home, and ${hasKeyFile ? 'the key file' : 'what opened it before'} still does as well`;
  const keys = await unlockedKeys(context, {});
  if (hasKeyFile)
    context.output.note(
      `The key file is removed. Backups made until now open with it alone: to keep them readable, copy ${keyFile} to a safe place first, or add the password beside it (aico security slots add password).`,
    );
  try {
    const password = await newPassword(options.newPasswordFile);
    await changing({ before: 'No password was added.', after: `${still}.` }, () =>
      keys.addPassword(password),
    );
    if (hasKeyFile)
      await changing(
        {
          before: `${still}: remove its slot with \`aico security slots remove\`.`,
          after: `The key file opens nothing any more; delete ${keyFile}.`,
        },
        () => removeKeyFile(keyFile, keys, slots),
      );
    context.output.print({ changed: true }, () =>
      hasKeyFile
        ? [
            'The home is protected by the password; the key file is gone.',
            'Backups made before open with a copy of the key file alone; make a new one (aico db backup).',
          ].join('\n')
        : `${still}.`,
    );
  } finally {
    keys.lock();
  }
}

async function removeKeyFile(
  keyFile: string,
  keys: AICOKeyManager,
  slots: readonly SlotInfo[],
): Promise<void> {
  for (const { kind, id } of slots) if (kind === 'key-file') await keys.removeSlot(id);
  await removeDurably(keyFile);
}
