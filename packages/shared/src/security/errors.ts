import { defineError } from '@aico/protocol';

/** No password slot opens with the password given. */
export class PasswordWrongError extends defineError({
  code: 'AICO_KEY_PASSWORD_WRONG',
  exit: 'key',
  status: 401,
  hint: 'Type it again, minding the keyboard layout; after that, use another slot such as the key file.',
  make: () => ({ message: 'the password opens none of the password slots' }),
}) {}

/** Nothing was given that a slot could be opened with. */
export class KeyNotGivenError extends defineError({
  code: 'AICO_KEY_NOT_GIVEN',
  exit: 'key',
  status: 400,
  hint: 'Give the password, or put the key file back in its place.',
  make: (slotKinds: readonly string[], given: string) => ({
    message: `${given}, and the slots are of kind: ${slotKinds.join(', ') || 'none'}`,
    slotKinds,
  }),
}) {}

/** There is no slot file yet. */
export class SlotFileMissingError extends defineError({
  code: 'AICO_KEY_SLOTS_MISSING',
  exit: 'key',
  hint: 'Run the setup once; if there was a slot file, restore it from a backup: without it the data is lost.',
  make: (file: string) => ({ message: `there is no slot file at ${file}: no keys have been made yet`, file }),
}) {}

/** A slot file stands where a new one would be made. */
export class SlotFileExistsError extends defineError({
  code: 'AICO_KEY_SLOTS_EXIST',
  exit: 'key',
  hint: 'Unlock it. To start anew on purpose, move the slot file and the database away first.',
  make: (file: string) => ({
    message: `${file} exists already; new keys would make the data under it unreadable`,
    file,
  }),
}) {}

/** The slot file cannot be read or written. */
export class SlotFileInaccessibleError extends defineError({
  code: 'AICO_KEY_SLOTS_INACCESSIBLE',
  exit: 'key',
  hint: 'Check who owns the folder, its permissions, and that the disk has room.',
  make: (file: string, doing: 'read' | 'written', cause: unknown) => {
    const state = doing === 'written' ? '; it is as it was, and opens as before' : '';
    return { message: `the slot file ${file} cannot be ${doing}${state}`, cause, file };
  },
}) {}

/** The slot file is not as it was written: damaged, edited or swapped. */
export class SlotFileDamagedError extends defineError({
  code: 'AICO_KEY_SLOTS_DAMAGED',
  exit: 'key',
  hint: 'Keep the damaged file, and put a copy of the slot file beside the same database, or restore a whole backup (`aico db restore`).',
  make: (file: string, reason: string, cause?: unknown) => ({
    message: `the slot file ${file} is damaged or was edited: ${reason}`,
    cause,
    file,
  }),
}) {}

/** A slot asks for less work per password guess than is safe, or for absurdly much. */
export class SlotParametersError extends defineError({
  code: 'AICO_KEY_PARAMETERS_REFUSED',
  exit: 'key',
  hint: 'Somebody edited the slot file, or it was made by other software: restore it from a backup.',
  make: (slotId: string, problem: string) => ({
    message: `the password slot ${slotId} is refused: ${problem}`,
    slotId,
  }),
}) {}

/** The key file is missing, unreadable or not a key. */
export class KeyFileUnreadableError extends defineError({
  code: 'AICO_KEY_FILE_UNREADABLE',
  exit: 'key',
  hint: 'Restore the key file from where it was copied to, or unlock with the password.',
  make: (file: string, reason: string, cause?: unknown) => ({
    message: `the key file ${file} cannot be used: ${reason}`,
    cause,
    file,
  }),
}) {}

/** Others on this machine can read the key file. */
export class KeyFileExposedError extends defineError({
  code: 'AICO_KEY_FILE_EXPOSED',
  exit: 'key',
  hint: 'chmod 600 it; if somebody may have read it, remove its slot and add a new one.',
  make: (file: string, mode: number) => ({
    message: `the key file ${file} is open to others on this machine (mode ${mode.toString(8).padStart(4, '0')})`,
    file,
  }),
}) {}

/** The key file is a key, and not the one of any slot. */
export class KeyFileWrongError extends defineError({
  code: 'AICO_KEY_FILE_WRONG',
  exit: 'key',
  status: 401,
  hint: 'It belongs to another installation: put the right one in its place, or unlock with the password.',
  make: (file: string) => ({ message: `the key file ${file} opens none of the key-file slots`, file }),
}) {}

/** Something needs the keys while they are locked. */
export class KeysLockedError extends defineError({
  code: 'AICO_KEY_LOCKED',
  exit: 'key',
  hint: 'Call unlock() first.',
  make: () => ({ message: 'the keys are locked' }),
}) {}

/** No slot has this id. */
export class SlotUnknownError extends defineError({
  code: 'AICO_KEY_SLOT_UNKNOWN',
  exit: 'key',
  hint: 'slots() lists the ids there are.',
  make: (slotId: string) => ({ message: `there is no slot ${slotId}`, slotId }),
}) {}

/** Removing this slot would leave no way in. */
export class LastSlotError extends defineError({
  code: 'AICO_KEY_SLOT_LAST',
  exit: 'key',
  hint: 'Add another slot first.',
  make: (slotId: string) => ({
    message: `slot ${slotId} is the last one: without it nothing opens the data`,
    slotId,
  }),
}) {}

/** A rotation is to be ended that was never begun, or was ended already. */
export class NoStagedKeyError extends defineError({
  code: 'AICO_KEY_NOT_STAGED',
  exit: 'key',
  hint: 'Call stageDatabaseKey() first.',
  make: () => ({ message: 'no rotation of the database key is under way' }),
}) {}

/** The password is not one to protect anything with. */
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

/** What was typed is no recovery code, or has a typo. No slot was tried. */
export class RecoveryCodeInvalidError extends defineError({
  code: 'AICO_KEY_RECOVERY_INVALID',
  exit: 'key',
  status: 401,
  hint: 'Compare it with what was written down; there is no I, L, O or U in it but perhaps a U at the end.',
  make: (reason: string) => ({ message: `this is not a recovery code as it was shown: ${reason}` }),
}) {}

/** A recovery code without a typo, and not the one of this home. */
export class RecoveryCodeWrongError extends defineError({
  code: 'AICO_KEY_RECOVERY_WRONG',
  exit: 'key',
  status: 401,
  hint: 'It is of another home, or was replaced by a newer one.',
  make: () => ({ message: 'the recovery code opens no slot' }),
}) {}

/** Too many wrong tries: this one was not looked at. */
export class UnlockThrottledError extends defineError({
  code: 'AICO_KEY_THROTTLED',
  exit: 'key',
  status: 429,
  hint: 'Wait, then try again; the right password ends it.',
  make: (retryAfterMs: number, failures: number) => {
    const seconds = Math.ceil(retryAfterMs / 1_000);
    return {
      message: `${failures} tries failed one after another, and the next is looked at in ${seconds} s`,
      /** Milliseconds until a try is looked at. */
      retryAfterMs,
    };
  },
}) {}

/** The operating system's keyring cannot be used. */
export class KeyringUnavailableError extends defineError({
  code: 'AICO_KEY_KEYRING_UNAVAILABLE',
  exit: 'key',
  hint: 'It belongs to a desktop session and is absent on a headless machine: use a key file or a credential there.',
  make: (reason: string, cause?: unknown) => ({
    message: `the keyring of the operating system is not available: ${reason}`,
    cause,
  }),
}) {}

/** The keyring's entry is not the key of its slot. */
export class KeyringWrongError extends defineError({
  code: 'AICO_KEY_KEYRING_WRONG',
  exit: 'key',
  status: 401,
  hint: 'Unlock another way, remove the slot and add a new one.',
  make: () => ({ message: "the keyring's entry opens no keyring slot" }),
}) {}

/** The credential a unit hands in cannot be used. */
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

/** The credential a unit hands in is of another home. */
export class CredentialWrongError extends defineError({
  code: 'AICO_KEY_CREDENTIAL_WRONG',
  exit: 'key',
  status: 401,
  hint: 'Hand in the one the slot was made with, or unlock another way and add a slot for this one.',
  make: (credential: string) => ({
    message: `the credential "${credential}" opens no credential slot`,
    credential,
  }),
}) {}

/** A newer AICO wrote the slot file. */
export class SlotFileVersionError extends defineError({
  code: 'AICO_KEY_SLOTS_VERSION',
  exit: 'key',
  hint: 'Use the newer AICO that wrote it; nothing was changed.',
  make: (file: string, version: number) => ({
    message: `the slot file ${file} is of version ${version}, which this AICO cannot read`,
    file,
  }),
}) {}

/** Another process is changing the slot file, and does not end. */
export class SlotFileBusyError extends defineError({
  code: 'AICO_KEY_SLOTS_BUSY',
  exit: 'key',
  hint: 'Try again when it is done. The lock ends with the process that holds it.',
  make: (file: string) => ({ message: `another process is changing the slot file ${file}`, file }),
}) {}

/** The name of a purpose is not one. */
export class KeyPurposeInvalidError extends defineError({
  code: 'AICO_KEY_PURPOSE_INVALID',
  exit: 'key',
  hint: 'Use a fixed name such as "bus/curve".',
  make: (purpose: string, reason: string) => ({
    message: `"${purpose}" cannot name the purpose of a key: ${reason}`,
    purpose,
  }),
}) {}
