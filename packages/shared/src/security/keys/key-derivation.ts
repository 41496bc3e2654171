import { hkdfSync } from 'node:crypto';
import { KeyPurposeInvalidError } from '../errors.ts';
import { GuardedKey } from './guarded-key.ts';

const PREFIX = 'aico/v1/';
const NO_SALT = new Uint8Array(0);
const PURPOSE = /^[a-z0-9]+(?:[-./][a-z0-9]+)*$/;
const LONGEST_PURPOSE = 128;

/** Labels of the key manager itself. A purpose that begins with `internal/` is refused. */
export const INTERNAL_LABELS = {
  slotFileMac: `${PREFIX}internal/slot-file-mac`,
  wrappedKeys: `${PREFIX}internal/wrapped-keys`,
  recoveryCode: `${PREFIX}internal/recovery-code`,
  credential: `${PREFIX}internal/credential`,
  databaseHead: `${PREFIX}internal/database-head`,
  backupManifest: `${PREFIX}internal/backup-manifest`,
  backupHome: `${PREFIX}internal/backup-home`,
  nodeRootKey: `${PREFIX}internal/node-root-key`,
} as const;

/**
 * HKDF with SHA-256 (RFC 5869): extract with `salt`, expand with `info`.
 * The result is the caller's to wipe.
 */
export function hkdfSha256(
  inputKey: Uint8Array,
  salt: Uint8Array,
  info: Uint8Array | string,
  length: number,
): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', inputKey, salt, info, length));
}

/** Derives the key of `label` from `key`, in guarded memory. */
export function deriveGuarded(key: GuardedKey, label: string, salt: Uint8Array = NO_SALT): GuardedKey {
  return GuardedKey.take(key.use((bytes) => hkdfSha256(bytes, salt, label, 32)));
}

/**
 * The fixed label of a purpose: `aico/v1/<purpose>`. Part of the format; it never changes for a purpose in use.
 * @throws {KeyPurposeInvalidError} when `purpose` is not lower-case words joined by `-`, `.` or `/`, or is reserved.
 */
export function purposeLabel(purpose: string): string {
  if (!PURPOSE.test(purpose) || purpose.length > LONGEST_PURPOSE)
    throw new KeyPurposeInvalidError(
      purpose,
      'a purpose is lower-case words and digits joined by "-", "." or "/"',
    );
  if (purpose === 'internal' || purpose.startsWith('internal/'))
    throw new KeyPurposeInvalidError(purpose, '"internal/" belongs to the key manager itself');
  return PREFIX + purpose;
}
