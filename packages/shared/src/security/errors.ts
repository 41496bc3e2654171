import { defineError } from '@aico/protocol';

/** The password unlocks no slot. */
export class PasswordWrongError extends defineError({
  code: 'AICO_KEY_PASSWORD_WRONG',
  exit: 'key',
  status: 401,
  hint: 'Type it again and check the keyboard layout, or use another unlock method such as the key file.',
  make: () => ({ message: 'the password opens no password slot' }),
}) {}

/** The compiler refuses a kind of slot without a remedy. */
const REMEDIES = {
  password: 'Give the password.',
  recovery: 'Give the recovery code.',
  'key-file': 'Put the key file back that was there when these key slots were written.',
  credential: 'Start by the service manager, which hands over the credential.',
  keyring: 'Log in to the session whose keyring has the key.',
};

/** No password, key file or other secret was given that could open a slot. */
export class KeyNotGivenError extends defineError({
  code: 'AICO_KEY_NOT_GIVEN',
  exit: 'key',
  status: 400,
  make: (slotKinds: readonly (keyof typeof REMEDIES)[], given: string) => {
    const remedies = [...new Set(slotKinds)].map((kind) => REMEDIES[kind]).join(' Or: ');
    return {
      message: `${given}, and the slots are of kind: ${slotKinds.join(', ') || 'none'}`,
      hint: remedies || 'Restore the key slots from a backup.',
      slotKinds,
    };
  },
}) {}

/** There is no slot file. */
export class SlotFileMissingError extends defineError({
  code: 'AICO_KEY_SLOTS_MISSING',
  exit: 'key',
  hint: 'Run the setup once. If there was a slot file, restore it from a backup: without it the data is lost.',
  make: (file: string) => ({ message: `there is no slot file at ${file}: no keys have been made yet`, file }),
}) {}

/** There is a slot file already. */
export class SlotFileExistsError extends defineError({
  code: 'AICO_KEY_SLOTS_EXIST',
  exit: 'key',
  hint: 'Unlock it. To start over on purpose, move the slot file and the database away first.',
  make: (file: string) => ({
    message: `${file} exists already; new keys would make the data under it unreadable`,
    file,
  }),
}) {}

/** The slot file cannot be read or written. */
export class SlotFileInaccessibleError extends defineError({
  code: 'AICO_KEY_SLOTS_INACCESSIBLE',
  exit: 'key',
  hint: 'Check the owner and the permissions of the folder, and that the disk has room.',
  make: (file: string, doing: 'read' | 'written', cause: unknown) => {
    const state = doing === 'written' ? '; it is as it was, and opens as before' : '';
    return { message: `the slot file ${file} cannot be ${doing}${state}`, cause, file };
  },
}) {}

/** The slot file was damaged, edited or replaced. */
export class SlotFileDamagedError extends defineError({
  code: 'AICO_KEY_SLOTS_DAMAGED',
  exit: 'key',
  hint: 'Keep the damaged file. Restore a copy of the slot file for the same database, or restore a whole backup (`aico db restore`).',
  make: (file: string, reason: string, cause?: unknown) => ({
    message: `the slot file ${file} is damaged or was edited: ${reason}`,
    cause,
    file,
  }),
}) {}

/** A slot has Argon2id parameters that are unsafe or far too expensive. */
export class SlotParametersError extends defineError({
  code: 'AICO_KEY_PARAMETERS_REFUSED',
  exit: 'key',
  hint: 'The slot file was edited or made by other software: restore it from a backup.',
  make: (slotId: string, problem: string) => ({
    message: `the password slot ${slotId} is refused: ${problem}`,
    slotId,
  }),
}) {}

/** The key file is missing, unreadable or not a key. */
export class KeyFileUnreadableError extends defineError({
  code: 'AICO_KEY_FILE_UNREADABLE',
  exit: 'key',
  hint: 'Restore the key file from a copy, or unlock with the password.',
  make: (file: string, reason: string, cause?: unknown) => ({
    message: `the key file ${file} cannot be used: ${reason}`,
    cause,
    file,
  }),
}) {}

/** Other users of this machine can read the key file. */
export class KeyFileExposedError extends defineError({
  code: 'AICO_KEY_FILE_EXPOSED',
  exit: 'key',
  hint: 'Run chmod 600 on it. If another user may have read it, remove its slot and add a new one.',
  make: (file: string, mode: number) => ({
    message: `the key file ${file} can be read by other users of this machine (mode ${mode.toString(8).padStart(4, '0')})`,
    file,
  }),
}) {}

/** The key file belongs to no slot. */
export class KeyFileWrongError extends defineError({
  code: 'AICO_KEY_FILE_WRONG',
  exit: 'key',
  status: 401,
  hint: 'It belongs to another installation: restore the right key file, or unlock with the password.',
  make: (file: string) => ({ message: `the key file ${file} opens no key-file slot`, file }),
}) {}

/** The keys are locked. */
export class KeysLockedError extends defineError({
  code: 'AICO_KEY_LOCKED',
  exit: 'key',
  hint: 'Call unlock() first.',
  make: () => ({ message: 'the keys are locked' }),
}) {}

/** There is no slot with this id. */
export class SlotUnknownError extends defineError({
  code: 'AICO_KEY_SLOT_UNKNOWN',
  exit: 'key',
  hint: 'slots() lists the ids.',
  make: (slotId: string) => ({ message: `there is no slot ${slotId}`, slotId }),
}) {}

/** Removing the slot would leave no unlock method. */
export class LastSlotError extends defineError({
  code: 'AICO_KEY_SLOT_LAST',
  exit: 'key',
  hint: 'Add another slot first.',
  make: (slotId: string) => ({
    message: `slot ${slotId} is the last one: without it the data cannot be opened`,
    slotId,
  }),
}) {}

/** A key rotation was ended that had not begun, or had ended already. */
export class NoStagedKeyError extends defineError({
  code: 'AICO_KEY_NOT_STAGED',
  exit: 'key',
  hint: 'Call stageDatabaseKey() first.',
  make: () => ({ message: 'no rotation of the database key is in progress' }),
}) {}

/** The password is too weak. */
export class PasswordRefusedError extends defineError({
  code: 'AICO_KEY_PASSWORD_REFUSED',
  exit: 'key',
  make: (reason: string, suggestion = '') => {
    const hint = 'Four or more words that do not belong together are easy to keep and hard to guess.';
    return {
      message: `this password is refused: ${reason}`,
      hint: suggestion === '' ? hint : `${suggestion} ${hint}`,
    };
  },
}) {}

/** The recovery code has a typing mistake. No slot was tried. */
export class RecoveryCodeInvalidError extends defineError({
  code: 'AICO_KEY_RECOVERY_INVALID',
  exit: 'key',
  status: 401,
  hint: 'Compare it with your copy; it contains no I, L and O, and a U at most as its last character.',
  make: (reason: string) => ({ message: `this is not a recovery code: ${reason}` }),
}) {}

/** The recovery code does not belong to this home. */
export class RecoveryCodeWrongError extends defineError({
  code: 'AICO_KEY_RECOVERY_WRONG',
  exit: 'key',
  status: 401,
  hint: 'It belongs to another home, or was replaced by a newer one.',
  make: () => ({ message: 'the recovery code opens no slot' }),
}) {}

/** There were too many wrong attempts: this one was not checked. */
export class UnlockThrottledError extends defineError({
  code: 'AICO_KEY_THROTTLED',
  exit: 'key',
  status: 429,
  hint: 'Wait, then try again; the right password resets the count.',
  make: (retryAfterMs: number, failures: number) => {
    const seconds = Math.ceil(retryAfterMs / 1_000);
    return {
      message: `${failures} attempts failed in a row; the next one is accepted in ${seconds} s`,
      /** Milliseconds until an attempt is accepted. */
      retryAfterMs,
    };
  },
}) {}

/** The keyring of the operating system cannot be used. */
export class KeyringUnavailableError extends defineError({
  code: 'AICO_KEY_KEYRING_UNAVAILABLE',
  exit: 'key',
  hint: 'A keyring belongs to a desktop session and is absent on a headless machine: use a key file or a credential there.',
  make: (reason: string, cause?: unknown) => ({
    message: `the keyring of the operating system is not available: ${reason}`,
    cause,
  }),
}) {}

/** The entry in the keyring does not open its slot. */
export class KeyringWrongError extends defineError({
  code: 'AICO_KEY_KEYRING_WRONG',
  exit: 'key',
  status: 401,
  hint: 'Unlock another way, remove the slot and add a new one.',
  make: () => ({ message: "the keyring's entry opens no keyring slot" }),
}) {}

/** The systemd credential cannot be used. */
export class CredentialUnusableError extends defineError({
  code: 'AICO_KEY_CREDENTIAL_UNUSABLE',
  exit: 'key',
  hint: 'Look at LoadCredential= or LoadCredentialEncrypted= in the unit; it should hold 32 random bytes.',
  make: (credential: string, reason: string, cause?: unknown) => ({
    message: `the credential "${credential}" cannot be used: ${reason}`,
    cause,
    credential,
  }),
}) {}

/** The systemd credential belongs to another home. */
export class CredentialWrongError extends defineError({
  code: 'AICO_KEY_CREDENTIAL_WRONG',
  exit: 'key',
  status: 401,
  hint: 'Pass the credential that the slot was made with, or unlock another way and add a slot for this one.',
  make: (credential: string) => ({
    message: `the credential "${credential}" opens no credential slot`,
    credential,
  }),
}) {}

/** The slot file was written by a newer version of AICO. */
export class SlotFileVersionError extends defineError({
  code: 'AICO_KEY_SLOTS_VERSION',
  exit: 'key',
  hint: 'Use that newer version; nothing was changed.',
  make: (file: string, version: number) => ({
    message: `the slot file ${file} has version ${version}, which this version of AICO cannot read`,
    file,
  }),
}) {}

/** Another process is changing the slot file and does not finish. */
export class SlotFileBusyError extends defineError({
  code: 'AICO_KEY_SLOTS_BUSY',
  exit: 'key',
  hint: 'Try again when it has finished. The lock ends with that process.',
  make: (file: string) => ({ message: `another process is changing the slot file ${file}`, file }),
}) {}

/** The name of a key's purpose is not valid. */
export class KeyPurposeInvalidError extends defineError({
  code: 'AICO_KEY_PURPOSE_INVALID',
  exit: 'key',
  hint: 'Use a fixed name such as "bus/curve".',
  make: (purpose: string, reason: string) => ({
    message: `"${purpose}" cannot name the purpose of a key: ${reason}`,
    purpose,
  }),
}) {}

/** A sealed file, such as an archive of log lines, is of another kind or key, or is not as it was written. */
export class SealedFileRefusedError extends defineError({
  code: 'AICO_SEALED_FILE_REFUSED',
  exit: 'key',
  hint: 'Use another copy of the file, or the home that wrote it (--home DIR).',
  make: (file: string, reason: string) => ({ message: `${file} is refused: ${reason}` }),
}) {}

/** The root key that another node sent does not open with the key of this node. */
export class SealedRootKeyError extends defineError({
  code: 'AICO_KEY_ROOT_SEALED',
  exit: 'key',
  hint: 'Make a new invitation on a node of the home (`aico node invite`) and join with it.',
  make: () => ({ message: 'the root key of the home was sealed to another node, or altered' }),
}) {}
