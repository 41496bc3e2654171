import { KeyNotGivenError } from '../errors.ts';
import type { SlotFileBody } from '../slots/slot-file.ts';
import type { OpenedSlot } from '../slots/slots.ts';
import { type Door, openByPassword, openByRecoveryCode, type UnlockCredentials } from './attended.ts';
import { openUnattended, type UnattendedSources } from './unattended.ts';

/** Opens a slot with the given credential only, or without one by the sources that need no person. */
export async function openSlot(
  body: SlotFileBody,
  { password, recoveryCode }: UnlockCredentials,
  sources: UnattendedSources & Door,
): Promise<OpenedSlot> {
  if (password !== undefined && recoveryCode !== undefined)
    throw new KeyNotGivenError(
      body.slots.map((slot) => slot.kind),
      'a password and a recovery code were given, and one of them is to open',
    );
  if (password !== undefined) return await openByPassword(body, password, sources);
  if (recoveryCode !== undefined) return await openByRecoveryCode(body, recoveryCode, sources);
  return await openUnattended(body, sources);
}
