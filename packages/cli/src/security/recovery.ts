import { readFile } from 'node:fs/promises';
import { createRecoveryCode, decodeRecoveryCode } from '@aico/shared/security';
import type { CommandContext } from '../context.ts';
import { UsageError } from '../errors.ts';
import { canAsk } from '../terminal/prompts.ts';

export interface ConfirmOptions {
  /** `false` for `--no-confirm`. */
  readonly confirm?: boolean;
  readonly confirmFile?: string;
}

/**
 * A recovery code that was shown and typed back, and so was written down; it is stored only then.
 *
 * With `--confirm-file` the code is the first line of a file that the caller made before and keeps; with `--no-confirm`
 * it is taken on trust that whoever reads the output keeps it.
 */
export async function confirmedCode(context: CommandContext, options: ConfirmOptions): Promise<string> {
  if (options.confirmFile !== undefined) return await codeFrom(options.confirmFile);
  const code = createRecoveryCode();
  if (options.confirm === false) return code;
  if (!canAsk() || context.output.json)
    throw new UsageError(
      'there is nobody to type the recovery code back',
      'Use --no-confirm and keep what is printed, or --confirm-file FILE with a code you hold already.',
    );
  process.stderr.write(`\n    ${code}\n\nWrite it down. It is shown this once, and opens everything.\n\n`);
  const { input } = await import('@inquirer/prompts');
  await input(
    { message: 'Type it back', validate: (typed) => problemWith(typed, code) ?? true },
    { output: process.stderr, clearPromptOnDone: true },
  );
  return code;
}

function problemWith(typed: string, code: string): string | undefined {
  try {
    return decodeRecoveryCode(typed) === decodeRecoveryCode(code) ? undefined : 'That is another code.';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function codeFrom(file: string): Promise<string> {
  let content: string;
  try {
    content = await readFile(file, 'utf8');
  } catch (error) {
    throw new UsageError(`${file} cannot be read`, undefined, error);
  }
  const [code = ''] = content.split(/\r?\n/, 1);
  // Refused before anything is unlocked.
  decodeRecoveryCode(code);
  return code;
}
