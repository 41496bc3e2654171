export type { UnlockCredentials } from './attended.ts';
export { CREDENTIAL_NAME } from './credential.ts';
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
export { GuardedKey, wipe } from './guarded-key.ts';
export { AICOKeyManager } from './key-manager.ts';
export type { KeyManagerOptions, SetUpOptions, SlotInfo } from './key-manager-options.ts';
export { type Keyring, openOsKeyring } from './os-keyring.ts';
export { COST_CEILING, COST_FLOOR, type PasswordCost } from './password-key.ts';
export { createRecoveryCode, decodeRecoveryCode } from './recovery-code.ts';
export type { ThrottleStatus } from './unlock-throttle.ts';
export { WIPE_LIMITS } from './wipe-limits.ts';
