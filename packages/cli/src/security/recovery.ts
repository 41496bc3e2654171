import { reasonOf } from '@aico/protocol';
import { createRecoveryCode, decodeRecoveryCode } from '@aico/shared/security';
import { type Command, Option } from 'commander';
import type { CommandContext } from '../context.ts';
import { UsageError } from '../errors.ts';
import { askText, canAsk } from '../terminal/prompts.ts';
import { readSecret } from './secret-files.ts';

export interface ConfirmOptions {
  /** `false` for `--no-confirm`. */
  readonly confirm?: boolean;
  readonly confirmFile?: string;
}

export function withConfirmation(command: Command): Command {
  return command
    .option('--no-confirm', 'print the recovery code without asking to type it back')
    .addOption(new Option('--confirm-file <file>', 'take the recovery code from the first line of a file'));
}

/**
 * Checks, before anything is asked or unlocked, that a recovery code can be confirmed.
 * @throws {UsageError} when it would have to be typed back and there is no terminal
 */
export function requireConfirmation({ output }: CommandContext, options: ConfirmOptions): void {
  if (options.confirmFile !== undefined || options.confirm === false || (canAsk() && !output.json)) return;
  throw new UsageError(
    'there is no terminal to type the recovery code back',
    'Use --no-confirm and keep what is printed, or --confirm-file FILE with a code that you have already.',
  );
}

/**
 * A recovery code that the owner has recorded: one that was shown and typed back, one from a file (`--confirm-file`), or one
 * that will be printed (`--no-confirm`). It is stored only afterwards.
 */
export async function confirmedCode(context: CommandContext, options: ConfirmOptions): Promise<string> {
  requireConfirmation(context, options);
  if (options.confirmFile !== undefined) {
    const given = await readSecret(options.confirmFile, 'recovery code');
    decodeRecoveryCode(given);
    return given;
  }
  const code = createRecoveryCode();
  if (options.confirm === false) return code;
  context.output.note(
    `\n    ${code}\n\nWrite it down. It is shown only this once, and it opens everything.\n`,
  );
  await askText('Type it back', (typed) => problemWith(typed, code) ?? true);
  return code;
}

function problemWith(typed: string, code: string): string | undefined {
  try {
    return decodeRecoveryCode(typed) === decodeRecoveryCode(code) ? undefined : 'That is another code.';
  } catch (error) {
    return reasonOf(error);
  }
}

/** The code to print as the command's answer, unless it was typed back or read from a file. */
export function toPrint(
  code: string | undefined,
  options: ConfirmOptions,
): { readonly recoveryCode?: string } {
  return code !== undefined && options.confirm === false && options.confirmFile === undefined
    ? { recoveryCode: code }
    : {};
}
