import { removeDurably } from '@aico/shared/core/paths';
import type { AICOKeyManager } from '@aico/shared/security';
import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { changing, isInForce } from '../outcome.ts';
import { keysOf, newPassword, slotTable, unlockedKeys } from './home-keys.ts';
import {
  type ConfirmOptions,
  confirmedCode,
  requireConfirmation,
  toPrint,
  withConfirmation,
} from './recovery.ts';
import { type SecretFiles, withSecretFiles } from './secret-files.ts';

const KINDS = ['password', 'key-file', 'keyring', 'credential', 'recovery'] as const;
type Kind = (typeof KINDS)[number];

interface AddOptions extends SecretFiles, ConfirmOptions {
  readonly newPasswordFile?: string;
  readonly name?: string;
}

export function registerSlots(security: Command, context: CommandContext): void {
  const slots = security.command('slots').description('list, add and remove what opens the keys');
  slots
    .command('list', { isDefault: true })
    .description('every slot')
    .action(async () =>
      context.output.print({ slots: await keysOf(context).slots() }, (it) => slotTable(it.slots)),
    );
  const add = slots.command('add').description('add a slot');
  for (const kind of KINDS) {
    const command = withSecretFiles(add.command(kind).description(`a slot of kind ${kind}`));
    if (kind === 'password')
      command.option('--new-password-file <file>', 'the new password: the first line of a file');
    if (kind === 'credential') command.option('--name <name>', "the credential's name in the unit");
    if (kind === 'recovery') withConfirmation(command);
    command.action((options: AddOptions) => addSlot(context, kind, options));
  }
  withSecretFiles(
    slots.command('remove').description('remove a slot, never the last').argument('<id>'),
  ).action((id: string, options: SecretFiles) => removeSlot(context, id, options));
}

async function addSlot(context: CommandContext, kind: Kind, options: AddOptions): Promise<void> {
  if (kind === 'recovery') return await replaceRecoveryCode(context, options);
  const keys = await unlockedKeys(context, options);
  try {
    const id = await added(keys, kind, options);
    context.output.print({ slot: { id, kind } }, () => `Added: ${kind}, slot ${id}`);
  } finally {
    keys.lock();
  }
}

async function added(keys: AICOKeyManager, kind: Exclude<Kind, 'recovery'>, options: AddOptions) {
  const password = kind === 'password' ? await newPassword(options.newPasswordFile) : undefined;
  return await changing(
    { before: 'No slot was added.', after: `The slot of kind ${kind} was added.` },
    () => {
      if (password !== undefined) return keys.addPassword(password);
      if (kind === 'key-file') return keys.addKeyFile();
      return kind === 'keyring' ? keys.addKeyring() : keys.addCredential(options.name);
    },
  );
}

/** Replaces the recovery code, or creates the first one. The old one is valid until the new one is confirmed. */
export async function replaceRecoveryCode(
  context: CommandContext,
  options: SecretFiles & ConfirmOptions,
): Promise<void> {
  requireConfirmation(context, options);
  const keys = await unlockedKeys(context, options);
  try {
    const code = await confirmedCode(context, options);
    const before = 'The recovery code was not changed: the previous one, if there was one, is in force.';
    const after = `The new recovery code is in force${'recoveryCode' in toPrint(code, options) ? ': it is printed above' : ''}.`;
    const id = await changing({ before, after }, () => keys.setRecoveryCode(code)).catch((error: unknown) => {
      // The code opens the home, so it must not be lost with the error.
      if (isInForce(error))
        context.output.print(toPrint(code, options), ({ recoveryCode = '' }) => recoveryCode);
      throw error;
    });
    context.output.print({ slot: { id, kind: 'recovery' }, ...toPrint(code, options) }, ({ recoveryCode }) =>
      [
        ...(recoveryCode === undefined ? [] : [`Recovery code, shown only this once: ${recoveryCode}`]),
        'The recovery code is in force; an older one no longer opens anything.',
      ].join('\n'),
    );
  } finally {
    keys.lock();
  }
}

async function removeSlot(context: CommandContext, id: string, options: SecretFiles): Promise<void> {
  const keys = await unlockedKeys(context, options);
  try {
    const kind = (await keys.slots()).find((slot) => slot.id === id)?.kind;
    await changing({ before: 'The slot was not removed.', after: 'The slot was removed.' }, () =>
      keys.removeSlot(id),
    );
    const left = await keys.slots();
    const isFileNeeded = left.some((slot) => slot.kind === 'key-file');
    if (kind === 'key-file' && !isFileNeeded) {
      const state = `The slot was removed, so the key file opens nothing; delete ${context.paths.keyFile}.`;
      await changing({ before: state, after: state }, () => removeDurably(context.paths.keyFile));
    }
    context.output.print({ removed: id, left }, () => `Removed: ${kind}, slot ${id}`);
    context.output.note('A copy of the slot file from before still opens with what was removed.');
    if (left.length === 1)
      context.output.note(
        `One unlock method is left (${left[0]?.kind}): without it the data cannot be read.`,
      );
    if (kind === 'key-file' && isFileNeeded) context.output.note('The key file stays: another slot uses it.');
  } finally {
    keys.lock();
  }
}
