import { AICOKeyManager, type SlotInfo } from '@aico/shared/security';
import type { CommandContext } from '../context.ts';
import { askNewPassword, requireTerminal } from '../terminal/prompts.ts';
import { table } from '../terminal/table.ts';
import { readSecret, type SecretFiles } from './secret-files.ts';
import { unlocking } from './unlocking.ts';

/** The keys of the home, read from its files; no running backend is needed. */
export function keysOf(context: CommandContext): AICOKeyManager {
  const { keySlotsFile, keyFile } = context.paths;
  return new AICOKeyManager({
    slotsFile: keySlotsFile,
    keyFile,
    onEvent: async (event) => (await import('./audit.ts')).recordEvent(context, event),
  });
}

/** The keys of the home, unlocked: see {@link unlocking}. The caller locks them. */
export async function unlockedKeys(context: CommandContext, files: SecretFiles): Promise<AICOKeyManager> {
  const keys = keysOf(context);
  await unlocking(files, { open: (credentials) => keys.unlock(credentials), kinds: () => kindsOf(keys) });
  return keys;
}

/** The kinds of slots that a home or a backup has. */
export async function kindsOf(keys: AICOKeyManager): Promise<readonly SlotInfo['kind'][]> {
  return (await keys.slots()).map(({ kind }) => kind);
}

/**
 * A new password: the first line of `file`, or typed twice at the terminal.
 *
 * @param option the option that names the file
 * @throws {UsageError} when there is neither a file nor a terminal
 */
export async function newPassword(file: string | undefined, option = '--new-password-file'): Promise<string> {
  if (file !== undefined) return readSecret(file, 'new password');
  requireTerminal('the new password', `Give it in a file: ${option} FILE.`);
  return askNewPassword();
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
