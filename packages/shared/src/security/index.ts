export {
  KeyFileExposedError,
  KeyFileUnreadableError,
  KeyFileWrongError,
  KeyNotGivenError,
  KeyPurposeInvalidError,
  KeysLockedError,
  LastSlotError,
  NoStagedKeyError,
  PasswordRefusedError,
  PasswordWrongError,
  SlotFileDamagedError,
  SlotFileExistsError,
  SlotFileInaccessibleError,
  SlotFileMissingError,
  SlotParametersError,
  SlotUnknownError,
} from './errors.ts';
export { GuardedKey, wipe } from './guarded-key.ts';
export {
  AICOKeyManager,
  type KeyManagerOptions,
  type SetUpOptions,
  type SlotInfo,
} from './key-manager.ts';
export { COST_CEILING, COST_FLOOR, type PasswordCost } from './password-key.ts';
