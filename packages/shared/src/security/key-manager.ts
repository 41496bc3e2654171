import { randomUUID } from 'node:crypto';
import { access } from 'node:fs/promises';
import type { Logger } from '../core/logging/types.ts';
import { WriteUnconfirmedError } from '../core/paths/index.ts';
import { createMutex } from '../core/tasks/index.ts';
import {
  KeyNotGivenError,
  KeysLockedError,
  LastSlotError,
  NoStagedKeyError,
  SlotFileDamagedError,
  SlotFileExistsError,
  SlotUnknownError,
} from './errors.ts';
import {
  type ConfigurationPlaces,
  type KeyManagerOptions,
  optionsFrom,
  type SetUpOptions,
  type SlotInfo,
} from './key-manager-options.ts';
import { GuardedKey } from './keys/guarded-key.ts';
import { hkdfSha256, purposeLabel } from './keys/key-derivation.ts';
import type { PasswordCost } from './passwords/password-key.ts';
import { refuseGuessablePassword } from './passwords/password-policy.ts';
import { decodeRecoveryCode } from './passwords/recovery-code.ts';
import { costBeside, tunePasswordCost } from './slots/cost-tuning.ts';
import { newCredentialSlot, newKeyFileSlot, newKeyringSlot } from './slots/new-slots.ts';
import {
  HEADER,
  proveSlotFile,
  type ReadSlotFile,
  readSlotFile,
  type Slot,
  type SlotFileBody,
  writeSlotFile,
} from './slots/slot-file.ts';
import { whileHolding } from './slots/slot-file-lock.ts';
import { type OpenedSlot, passwordSlot, recoverySlot, refuseUnsafeCost } from './slots/slots.ts';
import {
  DATABASE,
  DATABASE_NEXT,
  hasWrappedKey,
  openWrappedKey,
  withNewKey,
  withoutWrappedKey,
  withPromotedKey,
} from './slots/wrapped-keys.ts';
import { type Keyring, openOsKeyring } from './sources/os-keyring.ts';
import type { UnlockCredentials } from './unlocking/attended.ts';
import { openSlot } from './unlocking/opening.ts';
import { type ThrottleStatus, UnlockThrottle } from './unlocking/unlock-throttle.ts';

interface Unlocked {
  readonly root: GuardedKey;
  readonly body: SlotFileBody;
  /** The slot it was opened with. */
  readonly slotId: string;
}

/**
 * Holds the keys of one installation: a random 256-bit root key, wrapped once per slot, and what derives from it.
 * Changing a password rewrites one slot and no data.
 *
 * @example
 * ```ts
 * const keys = new AICOKeyManager(config);
 * if (!(await keys.exists())) await keys.setUp({ keyFile: true });
 * else await keys.unlock({ password });
 * const curve = keys.deriveKey('bus/curve');
 * ```
 */
export class AICOKeyManager {
  readonly #slotsFile: string;
  readonly #keyFile: string;
  readonly #cost: PasswordCost | undefined;
  readonly #logger: Logger | undefined;
  readonly #credentials: string | undefined;
  readonly #openKeyring: () => Promise<Keyring>;
  readonly #throttle: UnlockThrottle;
  #unlocked: Unlocked | undefined;
  /** Changes of the slot file run one after another. */
  readonly #exclusive = createMutex();

  /** @param source the configuration, whose home the keys are of, or the places of the keys one by one */
  constructor(source: KeyManagerOptions | ConfigurationPlaces) {
    const options = optionsFrom(source);
    this.#slotsFile = options.slotsFile;
    this.#keyFile = options.keyFile;
    this.#cost = options.passwordCost;
    this.#logger = options.logger;
    this.#credentials = options.credentials ?? process.env.CREDENTIALS_DIRECTORY;
    this.#openKeyring = options.keyring ?? openOsKeyring;
    this.#throttle = new UnlockThrottle(`${options.slotsFile}.tries`, options.now);
  }

  get isUnlocked(): boolean {
    return this.#unlocked !== undefined;
  }

  /** Whether keys have been made: the slot file is there (it may still be damaged). */
  async exists(): Promise<boolean> {
    return await access(this.#slotsFile).then(
      () => true,
      (error: unknown) => !(error instanceof Error && 'code' in error && error.code === 'ENOENT'),
    );
  }

  /** Whether the key file is there. */
  async hasKeyFile(): Promise<boolean> {
    return await access(this.#keyFile).then(
      () => true,
      () => false,
    );
  }

  /**
   * Makes the root key, the database key and the first slots, and leaves the manager unlocked.
   *
   * @throws {SlotFileExistsError} rather than replace keys that data depends on
   * @throws {KeyNotGivenError} when neither a password nor the key file is asked for
   * @throws {PasswordRefusedError} when the password protects nothing
   */
  async setUp(options: SetUpOptions): Promise<void> {
    const { password, keyFile = false, recoveryCode } = options;
    if (password === undefined && !keyFile)
      throw new KeyNotGivenError(['password', 'key-file'], 'neither a password nor a key file was asked for');
    const symbols = recoveryCode === undefined ? undefined : decodeRecoveryCode(recoveryCode);
    if (await this.exists()) throw new SlotFileExistsError(this.#slotsFile);
    if (password !== undefined) await refuseGuessablePassword(password);
    await this.#change(async () => {
      if (await this.exists()) throw new SlotFileExistsError(this.#slotsFile);
      const root = GuardedKey.random(32);
      try {
        const id = randomUUID();
        const slots: Slot[] = [];
        // The key file goes first: a crash in between leaves a key that opens nothing, and the next setup takes it.
        if (keyFile) slots.push(await newKeyFileSlot(id, root, this.#keyFile));
        if (password !== undefined) {
          const cost = this.#cost ?? (await tunePasswordCost());
          slots.push(await passwordSlot(id, root, password, cost));
        }
        if (symbols !== undefined) slots.push(recoverySlot(id, root, symbols));
        const body = withNewKey({ ...HEADER, id, slots, keys: [] }, DATABASE, root);
        await writeSlotFile(this.#slotsFile, body, root);
        this.#become({ root, body, slotId: slots[0]?.id ?? '' });
      } catch (error) {
        root.wipe();
        throw error;
      }
    });
    this.#logger?.info('Keys made', { slots: this.#unlocked?.body.slots.map((slot) => slot.kind) });
  }

  /**
   * Unwraps the root key. What is given must open a slot of its kind, whatever else lies around: a wrong password never
   * unlocks. Without either, what needs no human is tried: credential, keyring, key file, in this order.
   *
   * @throws {PasswordWrongError} @throws {RecoveryCodeInvalidError} @throws {RecoveryCodeWrongError}
   * @throws {UnlockThrottledError} after too many wrong tries, before any work
   * @throws {KeyNotGivenError} @throws {SlotFileMissingError} @throws {SlotFileDamagedError}
   * @throws {SlotFileVersionError} @throws {SlotParametersError} @throws {AicoError} of a key file, keyring or credential
   */
  async unlock(credentials: UnlockCredentials = {}): Promise<void> {
    await this.#exclusive(async () => {
      const read = await this.#read();
      const { slot, root } = await this.#open(read.body, credentials);
      this.#prove(read, root);
      this.#become({ root, body: read.body, slotId: slot.id });
      this.#logger?.info('Keys unlocked', { kind: slot.kind, slot: slot.id });
    });
  }

  /** Wipes the root key from memory; how far that goes, `WIPE_LIMITS` says. Keys handed out are their holders' to wipe. */
  lock(): void {
    this.#unlocked?.root.wipe();
    this.#unlocked = undefined;
  }

  /** Adds a slot for `password`. @returns the slot's id @throws {PasswordRefusedError} when it is easy to guess */
  async addPassword(password: string): Promise<string> {
    await refuseGuessablePassword(password);
    return await this.#addSlot(async (body, root) =>
      passwordSlot(body.id, root, password, this.#cost ?? (await costBeside(body))),
    );
  }

  /** Adds a slot for the key file, which is made if it is not there. @returns the slot's id */
  async addKeyFile(): Promise<string> {
    return await this.#addSlot((body, root) => newKeyFileSlot(body.id, root, this.#keyFile));
  }

  /**
   * Makes `code` the recovery code, in the place of one there was.
   * @returns the slot's id
   * @throws {RecoveryCodeInvalidError} when it is not one of `createRecoveryCode()`
   */
  async setRecoveryCode(code: string): Promise<string> {
    const symbols = decodeRecoveryCode(code);
    return await this.#update(async (body, root) => {
      const slot = recoverySlot(body.id, root, symbols);
      const others = body.slots.filter(({ kind }) => kind !== 'recovery');
      return { body: { ...body, slots: [...others, slot] }, result: slot.id };
    });
  }

  /** Adds a slot whose key the operating system's keyring keeps. @returns its id @throws {KeyringUnavailableError} */
  async addKeyring(): Promise<string> {
    const keyring = await this.#openKeyring();
    return await this.#addSlot((body, root) => newKeyringSlot(body.id, root, keyring));
  }

  /**
   * Adds a slot for the credential `name` that systemd hands to this unit.
   * @returns the slot's id
   * @throws {CredentialUnusableError} when there is none, or it holds less than 32 bytes
   */
  async addCredential(name?: string): Promise<string> {
    return await this.#addSlot((body, root) => newCredentialSlot(body.id, root, this.#credentials, name));
  }

  /**
   * Rewraps the slot of `oldPassword` for `newPassword`; nothing but the slot file is written. Works locked or unlocked.
   * @throws {PasswordWrongError} @throws {PasswordRefusedError} @throws {UnlockThrottledError}
   */
  async changePassword(oldPassword: string, newPassword: string): Promise<void> {
    await refuseGuessablePassword(newPassword);
    await this.#change(async () => {
      const read = await this.#read();
      const { slot, root } = await this.#open(read.body, { password: oldPassword });
      try {
        this.#prove(read, root);
        const renewed = await passwordSlot(
          read.body.id,
          root,
          newPassword,
          this.#cost ?? (await costBeside(read.body)),
        );
        const slots = read.body.slots.map((each) => (each.id === slot.id ? renewed : each));
        const body = { ...read.body, slots };
        await this.#write(body, root, () => {
          if (this.#unlocked !== undefined) this.#unlocked = { ...this.#unlocked, body };
        });
      } finally {
        root.wipe();
      }
    });
    this.#logger?.info('Password changed');
  }

  /** @throws {SlotUnknownError} @throws {LastSlotError} when nothing else would open the data */
  async removeSlot(id: string): Promise<void> {
    const kind = await this.#update(async (body) => {
      const slots = body.slots.filter((slot) => slot.id !== id);
      if (slots.length === body.slots.length) throw new SlotUnknownError(id);
      if (slots.length === 0) throw new LastSlotError(id);
      return { body: { ...body, slots }, result: body.slots.find((slot) => slot.id === id)?.kind };
    });
    // An entry left in a keyring that is not available now opens nothing any more.
    if (kind === 'keyring')
      await this.#openKeyring()
        .then((keyring) => keyring.delete(id))
        .catch((error: unknown) => this.#logger?.warn('The keyring keeps an entry of no use', { error }));
  }

  /** The slots there are, without anything secret. Works locked. */
  async slots(): Promise<readonly SlotInfo[]> {
    const { body } = await this.#read();
    return body.slots.map((slot) => ({
      id: slot.id,
      kind: slot.kind,
      createdAt: slot.createdAt,
      ...(slot.kind === 'password' ? { cost: slot.cost } : {}),
    }));
  }

  /**
   * Proves that the slot file is whole and, once unlocked, that it is the one of this home.
   * @throws {SlotFileMissingError} @throws {SlotFileDamagedError}
   */
  async proveSlots(): Promise<void> {
    const read = await this.#read();
    if (this.#unlocked !== undefined) proveSlotFile(this.#slotsFile, read, this.#unlocked.root);
  }

  /** How many tries failed in a row, and how long the next has to wait. */
  async throttle(): Promise<ThrottleStatus> {
    return await this.#throttle.status();
  }

  /**
   * The key of `purpose`: HKDF-SHA-256 (RFC 5869) of the root key, no salt, with the fixed label `aico/v1/<purpose>`.
   * The same purpose always yields the same key. The caller wipes it.
   *
   * @param length bytes, 32 by default, at most 8160
   * @throws {KeysLockedError} @throws {KeyPurposeInvalidError}
   */
  deriveKey(purpose: string, length = 32): Uint8Array {
    const label = purposeLabel(purpose);
    return this.#keys().root.use((bytes) => hkdfSha256(bytes, new Uint8Array(0), label, length));
  }

  /**
   * The database's own random 256-bit key, which the slot file holds wrapped by the root key. The caller wipes it.
   * @throws {KeysLockedError}
   */
  databaseKey(): Uint8Array {
    const { root, body } = this.#keys();
    return this.#wrappedKey(body, DATABASE, root);
  }

  /**
   * The database key a rotation is on its way to, or `undefined` when none is under way. The caller wipes it.
   * @throws {KeysLockedError}
   */
  nextDatabaseKey(): Uint8Array | undefined {
    const { root, body } = this.#keys();
    return hasWrappedKey(body, DATABASE_NEXT) ? this.#wrappedKey(body, DATABASE_NEXT, root) : undefined;
  }

  /**
   * Begins a rotation: makes the next database key, beside the present one, or gives the one a rotation left that was
   * cut short. It is in the slot file, durably, before it can be used to encrypt. The caller wipes it.
   * @throws {KeysLockedError}
   */
  async stageDatabaseKey(): Promise<Uint8Array> {
    return await this.#update(async (body, root) => {
      const staged = hasWrappedKey(body, DATABASE_NEXT) ? body : withNewKey(body, DATABASE_NEXT, root);
      return { body: staged, result: this.#wrappedKey(staged, DATABASE_NEXT, root) };
    });
  }

  /**
   * Ends a rotation: the staged key is the database key, and the one before is gone, in one step.
   * @throws {KeysLockedError} @throws {NoStagedKeyError}
   */
  async promoteDatabaseKey(): Promise<void> {
    await this.#update(async (body, root) => {
      const promoted = withPromotedKey(body, DATABASE_NEXT, DATABASE, root);
      if (promoted === undefined) throw new NoStagedKeyError();
      return { body: promoted, result: undefined };
    });
    this.#logger?.info('Database key rotated');
  }

  /** Gives a rotation up: the staged key is forgotten. Does nothing when there is none. @throws {KeysLockedError} */
  async discardStagedDatabaseKey(): Promise<void> {
    await this.#update(async (body) => ({
      body: hasWrappedKey(body, DATABASE_NEXT) ? withoutWrappedKey(body, DATABASE_NEXT) : body,
      result: undefined,
    }));
  }

  #wrappedKey(body: SlotFileBody, name: string, root: GuardedKey): Uint8Array {
    const key = openWrappedKey(body, name, root);
    if (key === undefined) throw new SlotFileDamagedError(this.#slotsFile, `its key "${name}" does not open`);
    try {
      return key.use((memory) => Uint8Array.from(memory));
    } finally {
      key.wipe();
    }
  }

  #keys(): Unlocked {
    if (this.#unlocked === undefined) throw new KeysLockedError();
    return this.#unlocked;
  }

  #become(unlocked: Unlocked): void {
    this.lock();
    this.#unlocked = unlocked;
  }

  /** The slot file, with parameters that are refused before any work is done with them. */
  async #read(): Promise<ReadSlotFile> {
    return await readSlotFile(this.#slotsFile, (body) => body.slots.forEach(refuseUnsafeCost));
  }

  #prove(read: ReadSlotFile, root: GuardedKey): void {
    try {
      proveSlotFile(this.#slotsFile, read, root);
    } catch (error) {
      root.wipe();
      throw error;
    }
  }

  async #open(body: SlotFileBody, credentials: UnlockCredentials): Promise<OpenedSlot> {
    return await openSlot(body, credentials, {
      keyFile: this.#keyFile,
      credentials: this.#credentials,
      keyring: this.#openKeyring,
      throttle: this.#throttle,
      logger: this.#logger,
    });
  }

  async #addSlot(make: (body: SlotFileBody, root: GuardedKey) => Promise<Slot>): Promise<string> {
    return await this.#update(async (body, root) => {
      const slot = await make(body, root);
      return { body: { ...body, slots: [...body.slots, slot] }, result: slot.id };
    });
  }

  /** Rewrites the slot file as `work` says, from what is on disk now and proven. */
  async #update<T>(
    work: (body: SlotFileBody, root: GuardedKey) => Promise<{ body: SlotFileBody; result: T }>,
  ): Promise<T> {
    return await this.#change(async () => {
      const unlocked = this.#keys();
      const read = await this.#read();
      proveSlotFile(this.#slotsFile, read, unlocked.root);
      const { body, result } = await work(read.body, unlocked.root);
      // Unless it was locked meanwhile.
      const hold = () => {
        if (this.#unlocked === unlocked) this.#unlocked = { ...unlocked, body };
      };
      if (body === read.body) hold();
      else await this.#write(body, unlocked.root, hold);
      return result;
    });
  }

  /** `hold` runs when the new content is in force, also when the disk has not confirmed it and this throws. */
  async #write(body: SlotFileBody, root: GuardedKey, hold: () => void): Promise<void> {
    try {
      await writeSlotFile(this.#slotsFile, body, root);
    } catch (error) {
      if (error instanceof WriteUnconfirmedError) hold();
      throw error;
    }
    hold();
  }

  /** Runs `work` while nothing else, in this process or another, changes the slot file. */
  async #change<T>(work: () => Promise<T>): Promise<T> {
    return await this.#exclusive(() => whileHolding(this.#slotsFile, work));
  }
}
