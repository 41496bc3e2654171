export {
  CredentialUnusableError,
  CredentialWrongError,
  KeyFileExposedError,
  KeyFileUnreadableError,
  KeyFileWrongError,
  KeyNotGivenError,
  KeyPurposeInvalidError,
  KeyringUnavailableError,
  KeyringWrongError,
  KeysLockedError,
  LastSlotError,
  NoStagedKeyError,
  PasswordRefusedError,
  PasswordWrongError,
  RecoveryCodeInvalidError,
  RecoveryCodeWrongError,
  SealedFileRefusedError,
  SealedRootKeyError,
  SlotFileBusyError,
  SlotFileDamagedError,
  SlotFileExistsError,
  SlotFileInaccessibleError,
  SlotFileMissingError,
  SlotFileVersionError,
  SlotParametersError,
  SlotUnknownError,
  UnlockThrottledError,
} from './errors.ts';
export { AICOKeyManager } from './key-manager.ts';
export type { KeyEvent, KeyManagerOptions, SetUpOptions, SlotInfo } from './key-manager-options.ts';
export { wipe } from './keys/guarded-key.ts';
export { NodeKey, nodeIdOf, type SealedToNode } from './keys/node-key.ts';
export { COST_CEILING, COST_FLOOR, type PasswordCost } from './passwords/password-key.ts';
export { createRecoveryCode, decodeRecoveryCode } from './passwords/recovery-code.ts';
export { openedParts, sealedParts } from './sealed-file/sealed-file.ts';
export { type Keyring, openOsKeyring } from './sources/os-keyring.ts';
export { SealedSpool, type SealedSpoolOptions, type SpoolEntry } from './spool/sealed-spool.ts';
export { type SpooledEntry, SpooledRun, SpooledRuns } from './spool/spooled-run.ts';
export type { UnlockCredentials } from './unlocking/attended.ts';
export type { ThrottleStatus } from './unlocking/unlock-throttle.ts';
export { WIPE_LIMITS } from './wipe-limits.ts';
