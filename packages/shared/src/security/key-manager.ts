import { randomUUID } from 'node:crypto';
import { access } from 'node:fs/promises';
import type { Logger } from '../core/logging/types.ts';
import {
  KeyNotGivenError,
  KeysLockedError,
  LastSlotError,
  NoStagedKeyError,
  SealedRootKeyError,
  SlotFileExistsError,
  SlotUnknownError,
} from './errors.ts';
import { KeyEvents } from './key-events.ts';
import {
  type ConfigurationPlaces,
  type KeyManagerOptions,
  optionsFrom,
  type SetUpOptions,
  type SlotInfo,
} from './key-manager-options.ts';
import { GuardedKey } from './keys/guarded-key.ts';
import { hkdfSha256, purposeLabel } from './keys/key-derivation.ts';
import { type SealedToNode, sealToNode } from './keys/node-key.ts';
import type { PasswordCost } from './passwords/password-key.ts';
import { refuseGuessablePassword } from './passwords/password-policy.ts';
import { decodeRecoveryCode } from './passwords/recovery-code.ts';
import { costBeside, tunePasswordCost } from './slots/cost-tuning.ts';
import { newCredentialSlot, newKeyFileSlot, newKeyringSlot } from './slots/new-slots.ts';
import { HEADER, type Slot, type SlotFileBody } from './slots/slot-file.ts';
import { SlotStore } from './slots/slot-store.ts';
import { type OpenedSlot, passwordSlot, recoverySlot } from './slots/slots.ts';
import {
  DATABASE,
  DATABASE_NEXT,
  hasWrappedKey,
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
}

/**
 * Holds the keys of one installation: a random 256-bit root key, wrapped once per slot, and the keys derived from it. Changing
 * a password rewrites one slot and no data.
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
  readonly #store: SlotStore;
  readonly #keyFile: string;
  readonly #cost: PasswordCost | undefined;
  readonly #logger: Logger | undefined;
  readonly #credentials: string | undefined;
  readonly #openKeyring: () => Promise<Keyring>;
  readonly #throttle: UnlockThrottle;
  readonly #events: KeyEvents;
  #unlocked: Unlocked | undefined;
  readonly #begins: (() => () => void)[] = [];
  #ends: readonly (() => void)[] = [];

  /** @param source the configuration of the home, or its key files one by one */
  constructor(source: KeyManagerOptions | ConfigurationPlaces) {
    const options = optionsFrom(source);
    this.#store = new SlotStore(options.slotsFile);
    this.#keyFile = options.keyFile;
    this.#cost = options.passwordCost;
    this.#logger = options.logger;
    this.#credentials = options.credentials ?? process.env.CREDENTIALS_DIRECTORY;
    this.#openKeyring = options.keyring ?? openOsKeyring;
    this.#throttle = new UnlockThrottle(`${options.slotsFile}.tries`, options.now);
    this.#events = new KeyEvents(options.onEvent);
  }

  get isUnlocked(): boolean {
    return this.#unlocked !== undefined;
  }

  /** Whether keys have been created: the slot file exists, but may be damaged. */
  async exists(): Promise<boolean> {
    return await this.#store.exists();
  }

  /** Whether the key file exists. */
  async hasKeyFile(): Promise<boolean> {
    return await access(this.#keyFile).then(
      () => true,
      () => false,
    );
  }

  /**
   * Creates the root key, the database key and the first slots, and leaves the manager unlocked.
   *
   * @throws {SlotFileExistsError} rather than replace keys that data depends on
   * @throws {KeyNotGivenError} when neither a password nor the key file is requested
   * @throws {PasswordRefusedError} when the password is too weak
   * @throws {SealedRootKeyError} when the root key of another node does not open
   */
  async setUp(options: SetUpOptions): Promise<void> {
    const { password, keyFile = false, recoveryCode } = options;
    if (password === undefined && !keyFile)
      throw new KeyNotGivenError(['password', 'key-file'], 'neither a password nor a key file was asked for');
    const symbols = recoveryCode === undefined ? undefined : decodeRecoveryCode(recoveryCode);
    if (await this.exists()) throw new SlotFileExistsError(this.#store.file);
    if (password !== undefined) await refuseGuessablePassword(password);
    const kinds: Slot['kind'][] = [];
    const create = this.#store.change(async () => {
      if (await this.exists()) throw new SlotFileExistsError(this.#store.file);
      const root = options.root === undefined ? GuardedKey.random(32) : openedRoot(options.root);
      try {
        const id = randomUUID();
        const slots: Slot[] = [];
        // The key file goes first: after a crash in between it unlocks nothing, and the next setup uses it.
        if (keyFile) slots.push(await newKeyFileSlot(id, root, this.#keyFile));
        if (password !== undefined) {
          const cost = this.#cost ?? (await tunePasswordCost());
          slots.push(await passwordSlot(id, root, password, cost));
        }
        if (symbols !== undefined) slots.push(recoverySlot(id, root, symbols));
        kinds.push(...slots.map((slot) => slot.kind));
        const body = withNewKey({ ...HEADER, id, slots, keys: [] }, DATABASE, root);
        await this.#store.write(body, root);
        this.#become({ root, body });
      } catch (error) {
        root.wipe();
        throw error;
      }
    });
    await this.#events.after(create, (sure) => ({ action: 'keys.created', details: { kinds, ...sure } }));
    this.#logger?.info('Keys made', { slots: kinds });
  }

  /**
   * Unwraps the root key. A given credential must open a slot of its kind; no other slot is tried. Without one, the sources
   * that need no person are tried: credential, keyring, key file, in this order.
   *
   * @throws {PasswordWrongError} @throws {RecoveryCodeInvalidError} @throws {RecoveryCodeWrongError}
   * @throws {UnlockThrottledError} after too many wrong attempts, before any work
   * @throws {KeyNotGivenError} @throws {SlotFileMissingError} @throws {SlotFileDamagedError}
   * @throws {SlotFileVersionError} @throws {SlotParametersError} @throws {AicoError} of a key file, keyring or credential
   */
  async unlock(credentials: UnlockCredentials = {}): Promise<void> {
    await this.#store.exclusive(async () => {
      const { slot, root, body } = await this.#open(credentials);
      this.#become({ root, body });
      this.#logger?.info('Keys unlocked', { kind: slot.kind, slot: slot.id });
      await this.#events.report({ action: 'keys.unlocked', subject: slot.id, details: { kind: slot.kind } });
    });
  }

  /**
   * Calls `begin` whenever the keys are unlocked, and the function that it returned before they are locked.
   *
   * @example
   * ```ts
   * keys.whileUnlocked(() => logging.spoolTo(new SealedSpool({ folder, run, key: keys.deriveKey('logs/spool') })));
   * ```
   */
  whileUnlocked(begin: () => () => void): void {
    this.#begins.push(begin);
    if (this.isUnlocked) this.#ends = [...this.#ends, begin()];
  }

  /** Wipes the root key from memory; `WIPE_LIMITS` states the limits. Returned keys must be wiped by their holders. */
  lock(): void {
    const ends = this.#ends;
    this.#ends = [];
    for (const end of ends) end();
    this.#unlocked?.root.wipe();
    this.#unlocked = undefined;
  }

  /**
   * Adds a slot for `password`.
   * @returns the slot's id
   * @throws {PasswordRefusedError} when it is easy to guess
   */
  async addPassword(password: string): Promise<string> {
    await refuseGuessablePassword(password);
    return await this.#addSlot('password', async (body, root) =>
      passwordSlot(body.id, root, password, this.#cost ?? (await costBeside(body))),
    );
  }

  /**
   * Adds a slot for the key file, which is created if it is missing.
   * @returns the slot's id
   */
  async addKeyFile(): Promise<string> {
    return await this.#addSlot('key-file', (body, root) => newKeyFileSlot(body.id, root, this.#keyFile));
  }

  /**
   * Makes `code` the recovery code, replacing a previous one.
   * @returns the slot's id
   * @throws {RecoveryCodeInvalidError} when it was not created by `createRecoveryCode()`
   */
  async setRecoveryCode(code: string): Promise<string> {
    const symbols = decodeRecoveryCode(code);
    return await this.#addSlot(
      'recovery',
      async (body, root) => recoverySlot(body.id, root, symbols),
      ({ kind }) => kind !== 'recovery',
    );
  }

  /**
   * Adds a slot whose key is stored in the operating system's keyring.
   * @returns its id
   * @throws {KeyringUnavailableError}
   */
  async addKeyring(): Promise<string> {
    const keyring = await this.#openKeyring();
    return await this.#addSlot('keyring', (body, root) => newKeyringSlot(body.id, root, keyring));
  }

  /**
   * Adds a slot for the credential `name` that systemd passes to this unit.
   * @returns the slot's id
   * @throws {CredentialUnusableError} when it is missing or has less than 32 bytes
   */
  async addCredential(name?: string): Promise<string> {
    return await this.#addSlot('credential', (body, root) =>
      newCredentialSlot(body.id, root, this.#credentials, name),
    );
  }

  /**
   * Rewraps the slot of `oldPassword` for `newPassword`; only the slot file is written. Works locked or unlocked.
   * @throws {PasswordWrongError} @throws {PasswordRefusedError} @throws {UnlockThrottledError}
   */
  async changePassword(oldPassword: string, newPassword: string): Promise<void> {
    await refuseGuessablePassword(newPassword);
    let subject: string | undefined;
    const change = this.#store.change(async () => {
      const { slot, root, body: old } = await this.#open({ password: oldPassword });
      subject = slot.id;
      try {
        const cost = this.#cost ?? (await costBeside(old));
        const renewed = await passwordSlot(old.id, root, newPassword, cost);
        const body = { ...old, slots: old.slots.map((each) => (each.id === slot.id ? renewed : each)) };
        await this.#store.write(body, root, () => {
          if (this.#unlocked !== undefined) this.#unlocked = { ...this.#unlocked, body };
        });
      } finally {
        root.wipe();
      }
    });
    await this.#events.after(change, (details) => ({ action: 'keys.password_changed', subject, details }));
    this.#logger?.info('Password changed');
  }

  /** @throws {SlotUnknownError} @throws {LastSlotError} when no other slot would remain */
  async removeSlot(id: string): Promise<void> {
    const remove = this.#update(async (body) => {
      const slots = body.slots.filter((slot) => slot.id !== id);
      if (slots.length === body.slots.length) throw new SlotUnknownError(id);
      if (slots.length === 0) throw new LastSlotError(id);
      return { body: { ...body, slots }, result: body.slots.find((slot) => slot.id === id)?.kind };
    });
    const kind = await this.#events.after(remove, (details) => ({
      action: 'keys.slot_removed',
      subject: id,
      details,
    }));
    // An entry left in an unavailable keyring no longer unlocks anything.
    if (kind === 'keyring')
      await this.#openKeyring()
        .then((keyring) => keyring.delete(id))
        .catch((error: unknown) => this.#logger?.warn('The keyring keeps an entry of no use', { error }));
  }

  /** The slots, without secrets. Works locked. */
  async slots(): Promise<readonly SlotInfo[]> {
    const { body } = await this.#store.read();
    return body.slots.map((slot) => ({
      id: slot.id,
      kind: slot.kind,
      createdAt: slot.createdAt,
      ...(slot.kind === 'password' ? { cost: slot.cost } : {}),
    }));
  }

  /**
   * Checks that the slot file is intact and, once unlocked, that it belongs to this home.
   * @throws {SlotFileMissingError} @throws {SlotFileDamagedError}
   */
  async proveSlots(): Promise<void> {
    const read = await this.#store.read();
    if (this.#unlocked !== undefined) this.#store.prove(read, this.#unlocked.root);
  }

  /** The number of consecutive failed attempts, and the wait before the next. */
  async throttle(): Promise<ThrottleStatus> {
    return await this.#throttle.status();
  }

  /**
   * The key of `purpose`: HKDF-SHA-256 (RFC 5869) of the root key, no salt, with the fixed label `aico/v1/<purpose>`. The same
   * purpose always yields the same key. The caller wipes it.
   *
   * @param length bytes, 32 by default, at most 8160
   * @throws {KeysLockedError} @throws {KeyPurposeInvalidError}
   */
  deriveKey(purpose: string, length = 32): Uint8Array {
    const label = purposeLabel(purpose);
    return this.#keys().root.use((bytes) => hkdfSha256(bytes, new Uint8Array(0), label, length));
  }

  /**
   * The database's own random 256-bit key, which the slot file contains wrapped by the root key. The caller wipes it.
   * @throws {KeysLockedError}
   */
  databaseKey(): Uint8Array {
    const { root, body } = this.#keys();
    return this.#store.copyKey(body, DATABASE, root);
  }

  /**
   * The new database key of a rotation in progress, else `undefined`. The caller wipes it.
   * @throws {KeysLockedError}
   */
  nextDatabaseKey(): Uint8Array | undefined {
    const { root, body } = this.#keys();
    return hasWrappedKey(body, DATABASE_NEXT) ? this.#store.copyKey(body, DATABASE_NEXT, root) : undefined;
  }

  /**
   * Begins a rotation: creates the next database key beside the present one, or returns that of an interrupted rotation. It is
   * durable in the slot file before it can be used to encrypt. The caller wipes it.
   * @throws {KeysLockedError}
   */
  async stageDatabaseKey(): Promise<Uint8Array> {
    return await this.#update(async (body, root) => {
      const staged = hasWrappedKey(body, DATABASE_NEXT) ? body : withNewKey(body, DATABASE_NEXT, root);
      return { body: staged, result: this.#store.copyKey(staged, DATABASE_NEXT, root) };
    });
  }

  /**
   * Ends a rotation: the staged key replaces the database key in one step.
   * @throws {KeysLockedError} @throws {NoStagedKeyError}
   */
  async promoteDatabaseKey(): Promise<void> {
    const promote = this.#update(async (body, root) => {
      const promoted = withPromotedKey(body, DATABASE_NEXT, DATABASE, root);
      if (promoted === undefined) throw new NoStagedKeyError();
      return { body: promoted, result: undefined };
    });
    await this.#events.after(promote, (details) => ({ action: 'keys.database_key_rotated', details }));
    this.#logger?.info('Database key rotated');
  }

  /**
   * Cancels a rotation: deletes the staged key, if there is one.
   * @throws {KeysLockedError}
   */
  async discardStagedDatabaseKey(): Promise<void> {
    await this.#update(async (body) => ({
      body: hasWrappedKey(body, DATABASE_NEXT) ? withoutWrappedKey(body, DATABASE_NEXT) : body,
      result: undefined,
    }));
  }

  /**
   * Seals the root key to a node that joins this home.
   * @param publicKey that of its {@link NodeKey}
   * @throws {KeysLockedError}
   */
  sealRootKey(publicKey: Uint8Array): SealedToNode {
    return sealToNode(this.#keys().root, publicKey);
  }

  #keys(): Unlocked {
    if (this.#unlocked === undefined) throw new KeysLockedError();
    return this.#unlocked;
  }

  #become(unlocked: Unlocked): void {
    this.lock();
    this.#unlocked = unlocked;
    this.#ends = this.#begins.map((begin) => begin());
  }

  /** Opens a slot of the file on the disk, and authenticates the file with its root key. */
  async #open(credentials: UnlockCredentials): Promise<OpenedSlot & { readonly body: SlotFileBody }> {
    const read = await this.#store.read();
    const opening = openSlot(read.body, credentials, {
      keyFile: this.#keyFile,
      credentials: this.#credentials,
      keyring: this.#openKeyring,
      throttle: this.#throttle,
      logger: this.#logger,
    });
    const opened = await this.#events.attempt(opening);
    try {
      this.#store.prove(read, opened.root);
    } catch (error) {
      opened.root.wipe();
      throw error;
    }
    return { ...opened, body: read.body };
  }

  async #addSlot(
    kind: Slot['kind'],
    make: (body: SlotFileBody, root: GuardedKey) => Promise<Slot>,
    isKept: (other: Slot) => boolean = () => true,
  ): Promise<string> {
    let subject = '';
    const add = this.#update(async (body, root) => {
      const slot = await make(body, root);
      subject = slot.id;
      return { body: { ...body, slots: [...body.slots.filter(isKept), slot] }, result: slot.id };
    });
    return await this.#events.after(add, (sure) => ({
      action: 'keys.slot_added',
      subject,
      details: { kind, ...sure },
    }));
  }

  /** Rewrites the slot file with the changes of `work`, based on its present, authenticated content. */
  async #update<T>(
    work: (body: SlotFileBody, root: GuardedKey) => Promise<{ body: SlotFileBody; result: T }>,
  ): Promise<T> {
    return await this.#store.change(async () => {
      const unlocked = this.#keys();
      const read = await this.#store.read();
      this.#store.prove(read, unlocked.root);
      const { body, result } = await work(read.body, unlocked.root);
      // Unless it was locked meanwhile.
      const hold = () => {
        if (this.#unlocked === unlocked) this.#unlocked = { ...unlocked, body };
      };
      if (body === read.body) hold();
      else await this.#store.write(body, unlocked.root, hold);
      return result;
    });
  }
}

function openedRoot({ sealed, key }: NonNullable<SetUpOptions['root']>): GuardedKey {
  const root = key.open(sealed);
  if (root?.length === 32) return root;
  root?.wipe();
  throw new SealedRootKeyError();
}
