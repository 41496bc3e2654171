import { randomUUID } from 'node:crypto';
import { access } from 'node:fs/promises';
import type { Logger } from '../core/logging/types.ts';
import {
  KeyFileWrongError,
  KeyNotGivenError,
  KeysLockedError,
  LastSlotError,
  NoStagedKeyError,
  PasswordRefusedError,
  PasswordWrongError,
  SlotFileDamagedError,
  SlotFileExistsError,
  SlotUnknownError,
} from './errors.ts';
import { GuardedKey } from './guarded-key.ts';
import { hkdfSha256, purposeLabel } from './key-derivation.ts';
import { createKeyFile, readKeyFile } from './key-file.ts';
import type { PasswordCost } from './password-key.ts';
import {
  proveSlotFile,
  type ReadSlotFile,
  readSlotFile,
  type Slot,
  type SlotFileBody,
  writeSlotFile,
} from './slot-file.ts';
import { keyFileSlot, openWithKeyFile, openWithPassword, passwordSlot, refuseUnsafeCost } from './slots.ts';
import {
  DATABASE,
  DATABASE_NEXT,
  hasWrappedKey,
  openWrappedKey,
  withNewKey,
  withoutWrappedKey,
  withWrappedKey,
} from './wrapped-keys.ts';

const SHORTEST_PASSWORD = 8;
const LONGEST_PASSWORD = 1024;

export interface KeyManagerOptions {
  /** Where the slots are kept. */
  readonly slotsFile: string;
  /** Where the key file is, or would be. */
  readonly keyFile: string;
  /** The work one guess of a new password costs; never below the floor. */
  readonly passwordCost?: PasswordCost;
  readonly logger?: Logger;
}

export interface SetUpOptions {
  readonly password?: string;
  /** Makes the key file (or takes the one that is there) and a slot for it. */
  readonly keyFile?: boolean;
}

/** One slot as anyone may see it. */
export interface SlotInfo {
  readonly id: string;
  readonly kind: Slot['kind'];
  /** RFC 3339. */
  readonly createdAt: string;
}

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
 * const keys = new AICOKeyManager({ slotsFile, keyFile });
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
  #unlocked: Unlocked | undefined;
  /** Changes of the slot file run one after another. */
  #lastChange: Promise<unknown> = Promise.resolve();

  constructor(options: KeyManagerOptions) {
    this.#slotsFile = options.slotsFile;
    this.#keyFile = options.keyFile;
    this.#cost = options.passwordCost;
    this.#logger = options.logger;
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
    await this.#change(async () => {
      if (await this.exists()) throw new SlotFileExistsError(this.#slotsFile);
      if (options.password === undefined && options.keyFile !== true)
        throw new KeyNotGivenError(
          ['password', 'key-file'],
          'neither a password nor a key file was asked for',
        );
      if (options.password !== undefined) refuseUselessPassword(options.password);
      const root = GuardedKey.random(32);
      try {
        const id = randomUUID();
        const slots: Slot[] = [];
        // The key file goes first: a crash in between leaves a key that opens nothing, and the next setup takes it.
        if (options.keyFile === true) slots.push(await this.#newKeyFileSlot(id, root));
        if (options.password !== undefined)
          slots.push(await passwordSlot(id, root, options.password, this.#cost));
        const bare: SlotFileBody = { format: 'aico-key-slots', version: 1, id, slots, keys: [] };
        const body = withNewKey(bare, DATABASE, root);
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
   * Unwraps the root key. A password that is given must open a slot, whatever else lies around: a wrong one never
   * unlocks. Without one the key file is used.
   *
   * @throws {PasswordWrongError} @throws {KeyNotGivenError} @throws {KeyFileWrongError}
   * @throws {SlotFileMissingError} @throws {SlotFileDamagedError} @throws {SlotParametersError}
   * @throws {KeyFileUnreadableError} @throws {KeyFileExposedError}
   */
  async unlock(options: { readonly password?: string } = {}): Promise<void> {
    await this.#change(async () => {
      const read = await this.#read();
      const opened =
        options.password === undefined
          ? await this.#openByKeyFile(read.body)
          : await this.#openByPassword(read.body, options.password);
      this.#prove(read, opened.root);
      this.#become({ root: opened.root, body: read.body, slotId: opened.slot.id });
    });
    this.#logger?.info('Keys unlocked', { slot: this.#unlocked?.slotId });
  }

  /** Wipes the root key from memory. Keys already handed out are their holders' to wipe. */
  lock(): void {
    this.#unlocked?.root.wipe();
    this.#unlocked = undefined;
  }

  /** Adds a slot for `password`. @returns the slot's id */
  async addPassword(password: string): Promise<string> {
    refuseUselessPassword(password);
    return await this.#update(async (body, root) => {
      const slot = await passwordSlot(body.id, root, password, this.#cost);
      return { body: { ...body, slots: [...body.slots, slot] }, result: slot.id };
    });
  }

  /** Adds a slot for the key file, which is made if it is not there. @returns the slot's id */
  async addKeyFile(): Promise<string> {
    return await this.#update(async (body, root) => {
      const slot = await this.#newKeyFileSlot(body.id, root);
      return { body: { ...body, slots: [...body.slots, slot] }, result: slot.id };
    });
  }

  /**
   * Rewraps the slot of `oldPassword` for `newPassword`; the database is not touched. Works locked or unlocked.
   * @throws {PasswordWrongError} when no slot opens with `oldPassword`
   */
  async changePassword(oldPassword: string, newPassword: string): Promise<void> {
    refuseUselessPassword(newPassword);
    await this.#change(async () => {
      const read = await this.#read();
      const { slot, root } = await this.#openByPassword(read.body, oldPassword);
      try {
        this.#prove(read, root);
        const renewed = await passwordSlot(read.body.id, root, newPassword, this.#cost);
        const slots = read.body.slots.map((each) => (each.id === slot.id ? renewed : each));
        const body = { ...read.body, slots };
        await writeSlotFile(this.#slotsFile, body, root);
        if (this.#unlocked !== undefined) this.#unlocked = { ...this.#unlocked, body };
      } finally {
        root.wipe();
      }
    });
    this.#logger?.info('Password changed');
  }

  /** @throws {SlotUnknownError} @throws {LastSlotError} when nothing else would open the data */
  async removeSlot(id: string): Promise<void> {
    await this.#update(async (body) => {
      const slots = body.slots.filter((slot) => slot.id !== id);
      if (slots.length === body.slots.length) throw new SlotUnknownError(id);
      if (slots.length === 0) throw new LastSlotError(id);
      return { body: { ...body, slots }, result: undefined };
    });
  }

  /** The slots there are, without anything secret. Works locked. */
  async slots(): Promise<readonly SlotInfo[]> {
    const { body } = await this.#read();
    return body.slots.map(({ id, kind, createdAt }) => ({ id, kind, createdAt }));
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
   * cut short. It is in the slot file, durably, before anybody can encrypt with it. The caller wipes it.
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
      const key = openWrappedKey(body, DATABASE_NEXT, root);
      if (key === undefined) throw new NoStagedKeyError();
      try {
        const promoted = withWrappedKey(withoutWrappedKey(body, DATABASE_NEXT), DATABASE, key, root);
        return { body: promoted, result: undefined };
      } finally {
        key.wipe();
      }
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

  async #openByPassword(body: SlotFileBody, password: string): Promise<{ slot: Slot; root: GuardedKey }> {
    if (!body.slots.some((slot) => slot.kind === 'password'))
      throw new KeyNotGivenError(
        body.slots.map((slot) => slot.kind),
        'a password was given, and there is no password slot',
      );
    const opened = await openWithPassword(body, password);
    if (opened === undefined) {
      this.#logger?.warn('Unlocking refused: wrong password');
      throw new PasswordWrongError();
    }
    return opened;
  }

  async #openByKeyFile(body: SlotFileBody): Promise<{ slot: Slot; root: GuardedKey }> {
    const kinds = body.slots.map((slot) => slot.kind);
    const key = kinds.includes('key-file') ? await readKeyFile(this.#keyFile) : undefined;
    if (key === undefined)
      throw new KeyNotGivenError(
        kinds,
        kinds.includes('key-file')
          ? `no password was given and there is no key file at ${this.#keyFile}`
          : 'no password was given',
      );
    try {
      const opened = openWithKeyFile(body, key);
      if (opened === undefined) throw new KeyFileWrongError(this.#keyFile);
      return opened;
    } finally {
      key.wipe();
    }
  }

  async #newKeyFileSlot(fileId: string, root: GuardedKey): Promise<Slot> {
    const key = (await readKeyFile(this.#keyFile)) ?? (await createKeyFile(this.#keyFile));
    try {
      return keyFileSlot(fileId, root, key);
    } finally {
      key.wipe();
    }
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
      if (body !== read.body) await writeSlotFile(this.#slotsFile, body, unlocked.root);
      // Unless it was locked meanwhile.
      if (this.#unlocked === unlocked) this.#unlocked = { ...unlocked, body };
      return result;
    });
  }

  async #change<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#lastChange.then(work);
    this.#lastChange = turn.catch(() => undefined);
    return await turn;
  }
}

function refuseUselessPassword(password: string): void {
  const length = [...password.normalize('NFKC')].length;
  if (length < SHORTEST_PASSWORD)
    throw new PasswordRefusedError(`it has ${length} characters, and the fewest are ${SHORTEST_PASSWORD}`);
  if (length > LONGEST_PASSWORD)
    throw new PasswordRefusedError(`it has ${length} characters, and the most are ${LONGEST_PASSWORD}`);
  if (new Set(password.normalize('NFKC')).size < 3)
    throw new PasswordRefusedError('it repeats the same one or two characters');
}
