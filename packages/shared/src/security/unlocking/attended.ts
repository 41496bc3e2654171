import type { Logger } from '../../core/logging/types.ts';
import { KeyNotGivenError, PasswordWrongError, RecoveryCodeWrongError } from '../errors.ts';
import { decodeRecoveryCode } from '../passwords/recovery-code.ts';
import type { SlotFileBody } from '../slots/slot-file.ts';
import { type OpenedSlot, openFirst, passwordWrapping, recoveryWrapping, slotsOf } from '../slots/slots.ts';
import type { UnlockThrottle } from './unlock-throttle.ts';

/** The credentials that a person gives to unlock. */
export interface UnlockCredentials {
  readonly password?: string;
  readonly recoveryCode?: string;
}

/** The rate limit and the log of an attempt to unlock. */
export interface Door {
  readonly throttle: UnlockThrottle;
  readonly logger: Logger | undefined;
}

/** @throws {KeyNotGivenError} when there is no slot of that kind @throws {PasswordWrongError} @throws {UnlockThrottledError} */
export async function openByPassword(body: SlotFileBody, password: string, door: Door): Promise<OpenedSlot> {
  const slots = slotsOf(body, 'password');
  if (slots.length === 0) throw notOfKind(body, 'a password was given, and there is no password slot');
  await door.throttle.begin();
  const opened = await openFirst(body.id, slots, (slot) => passwordWrapping(slot, password));
  if (opened === undefined) {
    door.logger?.warn('Unlocking refused: wrong password');
    throw new PasswordWrongError();
  }
  await door.throttle.succeeded();
  return opened;
}

/**
 * @throws {RecoveryCodeInvalidError} for a mistyped code, which does not count as an attempt
 * @throws {KeyNotGivenError} when there is no slot of that kind @throws {RecoveryCodeWrongError} @throws {UnlockThrottledError}
 */
export async function openByRecoveryCode(body: SlotFileBody, code: string, door: Door): Promise<OpenedSlot> {
  const slots = slotsOf(body, 'recovery');
  if (slots.length === 0) throw notOfKind(body, 'a recovery code was given, and there is no recovery slot');
  const symbols = decodeRecoveryCode(code);
  await door.throttle.begin();
  const opened = await openFirst(body.id, slots, (slot) => recoveryWrapping(slot, symbols));
  if (opened === undefined) {
    door.logger?.warn('Unlocking refused: wrong recovery code');
    throw new RecoveryCodeWrongError();
  }
  await door.throttle.succeeded();
  return opened;
}

function notOfKind(body: SlotFileBody, given: string): KeyNotGivenError {
  return new KeyNotGivenError(
    body.slots.map((slot) => slot.kind),
    given,
  );
}
