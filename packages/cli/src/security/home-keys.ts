import { AICOKeyManager, type SlotInfo, type UnlockCredentials } from '@aico/shared/security';
import type { CommandContext } from '../context.ts';
import { UsageError } from '../errors.ts';
import { table } from '../terminal/output.ts';
import { askNewPassword, askPassword, canAsk, passwordFrom } from '../terminal/prompts.ts';

/** The keys of the home, from its files; no running backend is needed. */
export function keysOf({ paths }: CommandContext): AICOKeyManager {
  return new AICOKeyManager({ slotsFile: paths.keySlotsFile, keyFile: paths.keyFile });
}

/** Files a secret may come from, since the command line is for everybody to read. */
export interface SecretFiles {
  readonly passwordFile?: string;
  readonly recoveryFile?: string;
}

/** What opens the keys: what the files say, else what needs no human, else what the person at the terminal answers. */
export async function unlockedKeys(context: CommandContext, files: SecretFiles): Promise<AICOKeyManager> {
  const keys = keysOf(context);
  const given = await fromFiles(files);
  if (given !== undefined) {
    await keys.unlock(given);
    return keys;
  }
  try {
    await keys.unlock();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code !== 'AICO_KEY_NOT_GIVEN' || !canAsk()) throw error;
    await keys.unlock({ password: await askPassword() });
  }
  return keys;
}

/** @throws {UsageError} when both are given */
export async function fromFiles({
  passwordFile,
  recoveryFile,
}: SecretFiles): Promise<UnlockCredentials | undefined> {
  if (passwordFile !== undefined && recoveryFile !== undefined)
    throw new UsageError('a password and a recovery code are given', 'Give one of them.');
  if (passwordFile !== undefined) return { password: await passwordFrom(passwordFile) };
  if (recoveryFile !== undefined) return { recoveryCode: await passwordFrom(recoveryFile, 'recovery code') };
  return undefined;
}

/** A new password: the first line of the file, else what the person answers twice. */
export async function newPassword(file: string | undefined): Promise<string> {
  return await secret(file, 'New password', askNewPassword);
}

/** The first line of the file, else what the person at the terminal answers. */
export async function secret(
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

export function slotTable(slots: readonly SlotInfo[]): string {
  return table(
    ['opened by', 'since', 'slot', 'cost of a guess'],
    slots.map(({ kind, createdAt, id, cost }) => [
      kind,
      createdAt,
      id,
      cost === undefined ? '' : `${cost.memoryKiB / 1024} MiB, ${cost.passes} passes`,
    ]),
  );
}
