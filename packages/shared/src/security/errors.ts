import { AicoError } from '@aico/protocol';

/** No password slot opens with the password given. */
export class PasswordWrongError extends AicoError {
  constructor() {
    super('AICO_KEY_PASSWORD_WRONG', 'the password opens none of the password slots', {
      hint: 'Type it again, minding the keyboard layout; after that, use another slot such as the key file.',
    });
  }
}

/** Nothing was given that a slot could be opened with. */
export class KeyNotGivenError extends AicoError {
  readonly slotKinds: readonly string[];
  constructor(slotKinds: readonly string[], given: string) {
    super('AICO_KEY_NOT_GIVEN', `${given}, and the slots are of kind: ${slotKinds.join(', ') || 'none'}`, {
      hint: 'Give the password, or put the key file back in its place.',
    });
    this.slotKinds = slotKinds;
  }
}

/** There is no slot file yet. */
export class SlotFileMissingError extends AicoError {
  readonly file: string;
  constructor(file: string) {
    super('AICO_KEY_SLOTS_MISSING', `there is no slot file at ${file}: no keys have been made yet`, {
      hint: 'Run the setup once; if there was a slot file, restore it from a backup: without it the data is lost.',
    });
    this.file = file;
  }
}

/** A slot file stands where a new one would be made. */
export class SlotFileExistsError extends AicoError {
  readonly file: string;
  constructor(file: string) {
    super(
      'AICO_KEY_SLOTS_EXIST',
      `${file} exists already; new keys would make the data under it unreadable`,
      {
        hint: 'Unlock it. To start anew on purpose, move the slot file and the database away first.',
      },
    );
    this.file = file;
  }
}

/** The slot file cannot be read or written. */
export class SlotFileInaccessibleError extends AicoError {
  readonly file: string;
  constructor(file: string, doing: 'read' | 'written', cause: unknown) {
    const state = doing === 'written' ? '; it is as it was, and opens as before' : '';
    super('AICO_KEY_SLOTS_INACCESSIBLE', `the slot file ${file} cannot be ${doing}${state}`, {
      hint: 'Check who owns the folder, its permissions, and that the disk has room.',
      cause,
    });
    this.file = file;
  }
}

/** The slot file is not as it was written: damaged, edited or swapped. */
export class SlotFileDamagedError extends AicoError {
  readonly file: string;
  constructor(file: string, reason: string, cause?: unknown) {
    super('AICO_KEY_SLOTS_DAMAGED', `the slot file ${file} is damaged or was edited: ${reason}`, {
      hint: 'Keep the damaged file, and put a copy of the slot file beside the same database, or restore a whole backup (`aico db restore`).',
      cause,
    });
    this.file = file;
  }
}

/** A slot asks for less work per password guess than is safe, or for absurdly much. */
export class SlotParametersError extends AicoError {
  readonly slotId: string;
  constructor(slotId: string, problem: string) {
    super('AICO_KEY_PARAMETERS_REFUSED', `the password slot ${slotId} is refused: ${problem}`, {
      hint: 'Somebody edited the slot file, or it was made by other software: restore it from a backup.',
    });
    this.slotId = slotId;
  }
}

/** The key file is missing, unreadable or not a key. */
export class KeyFileUnreadableError extends AicoError {
  readonly file: string;
  constructor(file: string, reason: string, cause?: unknown) {
    super('AICO_KEY_FILE_UNREADABLE', `the key file ${file} cannot be used: ${reason}`, {
      hint: 'Restore the key file from where it was copied to, or unlock with the password.',
      cause,
    });
    this.file = file;
  }
}

/** Others on this machine can read the key file. */
export class KeyFileExposedError extends AicoError {
  readonly file: string;
  constructor(file: string, mode: number) {
    super(
      'AICO_KEY_FILE_EXPOSED',
      `the key file ${file} is open to others on this machine (mode ${mode.toString(8).padStart(4, '0')})`,
      { hint: 'chmod 600 it; if somebody may have read it, remove its slot and add a new one.' },
    );
    this.file = file;
  }
}

/** The key file is a key, and not the one of any slot. */
export class KeyFileWrongError extends AicoError {
  readonly file: string;
  constructor(file: string) {
    super('AICO_KEY_FILE_WRONG', `the key file ${file} opens none of the key-file slots`, {
      hint: 'It belongs to another installation: put the right one in its place, or unlock with the password.',
    });
    this.file = file;
  }
}

/** Something needs the keys while they are locked. */
export class KeysLockedError extends AicoError {
  constructor() {
    super('AICO_KEY_LOCKED', 'the keys are locked', { hint: 'Call unlock() first.' });
  }
}

/** No slot has this id. */
export class SlotUnknownError extends AicoError {
  readonly slotId: string;
  constructor(slotId: string) {
    super('AICO_KEY_SLOT_UNKNOWN', `there is no slot ${slotId}`, {
      hint: 'slots() lists the ids there are.',
    });
    this.slotId = slotId;
  }
}

/** Removing this slot would leave no way in. */
export class LastSlotError extends AicoError {
  readonly slotId: string;
  constructor(slotId: string) {
    super('AICO_KEY_SLOT_LAST', `slot ${slotId} is the last one: without it nothing opens the data`, {
      hint: 'Add another slot first.',
    });
    this.slotId = slotId;
  }
}

/** A rotation is to be ended that was never begun, or was ended already. */
export class NoStagedKeyError extends AicoError {
  constructor() {
    super('AICO_KEY_NOT_STAGED', 'no rotation of the database key is under way', {
      hint: 'Call stageDatabaseKey() first.',
    });
  }
}

/** The password is not one to protect anything with. */
export class PasswordRefusedError extends AicoError {
  constructor(reason: string, suggestion = '') {
    const hint = 'Four or more words that do not belong together are easy to keep and hard to guess.';
    super('AICO_KEY_PASSWORD_REFUSED', `this password is refused: ${reason}`, {
      hint: suggestion === '' ? hint : `${suggestion} ${hint}`,
    });
  }
}

/** What was typed is no recovery code, or has a typo. No slot was tried. */
export class RecoveryCodeInvalidError extends AicoError {
  constructor(reason: string) {
    super('AICO_KEY_RECOVERY_INVALID', `this is not a recovery code as it was shown: ${reason}`, {
      hint: 'Compare it with what was written down; there is no I, L, O or U in it but perhaps a U at the end.',
    });
  }
}

/** A recovery code without a typo, and not the one of this home. */
export class RecoveryCodeWrongError extends AicoError {
  constructor() {
    super('AICO_KEY_RECOVERY_WRONG', 'the recovery code opens no slot', {
      hint: 'It is of another home, or was replaced by a newer one.',
    });
  }
}

/** Too many wrong tries: this one was not looked at. */
export class UnlockThrottledError extends AicoError {
  /** Milliseconds until a try is looked at. */
  readonly retryAfterMs: number;
  constructor(retryAfterMs: number, failures: number) {
    const seconds = Math.ceil(retryAfterMs / 1_000);
    super(
      'AICO_KEY_THROTTLED',
      `${failures} tries failed one after another, and the next is looked at in ${seconds} s`,
      { hint: 'Wait, then try again; the right password ends it.' },
    );
    this.retryAfterMs = retryAfterMs;
  }
}

/** The operating system's keyring cannot be used. */
export class KeyringUnavailableError extends AicoError {
  constructor(reason: string, cause?: unknown) {
    super('AICO_KEY_KEYRING_UNAVAILABLE', `the keyring of the operating system is not available: ${reason}`, {
      hint: 'It belongs to a desktop session and is absent on a headless machine: use a key file or a credential there.',
      ...(cause === undefined ? {} : { cause }),
    });
  }
}

/** The keyring's entry is not the key of its slot. */
export class KeyringWrongError extends AicoError {
  constructor() {
    super('AICO_KEY_KEYRING_WRONG', "the keyring's entry opens no keyring slot", {
      hint: 'Unlock another way, remove the slot and add a new one.',
    });
  }
}

/** The credential a unit hands in cannot be used. */
export class CredentialUnusableError extends AicoError {
  readonly credential: string;
  constructor(credential: string, reason: string, cause?: unknown) {
    super('AICO_KEY_CREDENTIAL_UNUSABLE', `the credential "${credential}" cannot be used: ${reason}`, {
      hint: 'Look at LoadCredential= or LoadCredentialEncrypted= in the unit; 32 random bytes are what it should hold.',
      ...(cause === undefined ? {} : { cause }),
    });
    this.credential = credential;
  }
}

/** The credential a unit hands in is of another home. */
export class CredentialWrongError extends AicoError {
  readonly credential: string;
  constructor(credential: string) {
    super('AICO_KEY_CREDENTIAL_WRONG', `the credential "${credential}" opens no credential slot`, {
      hint: 'Hand in the one the slot was made with, or unlock another way and add a slot for this one.',
    });
    this.credential = credential;
  }
}

/** A newer AICO wrote the slot file. */
export class SlotFileVersionError extends AicoError {
  readonly file: string;
  constructor(file: string, version: number) {
    super(
      'AICO_KEY_SLOTS_VERSION',
      `the slot file ${file} is of version ${version}, which this AICO cannot read`,
      {
        hint: 'Use the newer AICO that wrote it; nothing was changed.',
      },
    );
    this.file = file;
  }
}

/** Another process is changing the slot file, and does not end. */
export class SlotFileBusyError extends AicoError {
  readonly file: string;
  constructor(file: string) {
    super('AICO_KEY_SLOTS_BUSY', `another process is changing the slot file ${file}`, {
      hint: 'Try again when it is done. The lock ends with the process that holds it.',
    });
    this.file = file;
  }
}

/** The name of a purpose is not one. */
export class KeyPurposeInvalidError extends AicoError {
  readonly purpose: string;
  constructor(purpose: string, reason: string) {
    super('AICO_KEY_PURPOSE_INVALID', `"${purpose}" cannot name the purpose of a key: ${reason}`, {
      hint: 'Use a fixed name such as "bus/curve".',
    });
    this.purpose = purpose;
  }
}
