import { SlotFileExistsError, type SlotInfo } from '@aico/shared/security';
import type { CommandContext } from '../context.ts';
import { UsageError } from '../errors.ts';
import { changing } from '../outcome.ts';
import { keysOf, newPassword, slotTable } from './home-keys.ts';
import { type ConfirmOptions, confirmedCode, requireConfirmation, toPrint } from './recovery.ts';

export interface SetupOptions extends ConfirmOptions {
  readonly keyFile?: boolean;
  readonly passwordFile?: string;
  readonly recovery?: boolean;
}

/** Creates the keys of a new home before its first start. */
export async function setUp(context: CommandContext, options: SetupOptions): Promise<void> {
  const keyFile = options.keyFile === true;
  if (keyFile && options.passwordFile !== undefined)
    throw new UsageError(
      '--key-file and --password-file exclude each other',
      'Add the other one later: aico security slots add.',
    );
  const keys = keysOf(context);
  if (await keys.exists()) throw new SlotFileExistsError(context.paths.keySlotsFile);
  if (options.recovery === true) requireConfirmation(context, options);
  context.paths.ensure();
  const password = keyFile ? undefined : await newPassword(options.passwordFile, '--password-file');
  const code = options.recovery === true ? await confirmedCode(context, options) : undefined;
  try {
    await changing(
      {
        before: 'No keys were made, and what was given opens nothing.',
        after:
          'The keys are made, and the password or key file opens the home; make a new recovery code if you wanted one.',
      },
      () =>
        keys.setUp({
          ...(password === undefined ? { keyFile } : { password }),
          ...(code === undefined ? {} : { recoveryCode: code }),
        }),
    );
    const slots: readonly SlotInfo[] = await keys.slots();
    context.output.print({ slots, ...toPrint(code, options) }, ({ recoveryCode }) =>
      [
        ...(recoveryCode === undefined ? [] : [`Recovery code, shown only this once: ${recoveryCode}`, '']),
        slotTable(slots),
        '',
        keyFile
          ? `Anyone who can read ${context.paths.keyFile} can read everything. Keep a copy of it elsewhere.`
          : 'Only what is listed opens the home: keep it safe.',
      ].join('\n'),
    );
  } finally {
    keys.lock();
  }
}
