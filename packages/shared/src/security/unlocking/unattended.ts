import type { Logger } from '../../core/logging/types.ts';
import {
  CredentialWrongError,
  KeyFileWrongError,
  KeyNotGivenError,
  KeyringUnavailableError,
  KeyringWrongError,
} from '../errors.ts';
import { GuardedKey } from '../keys/guarded-key.ts';
import type { SlotFileBody } from '../slots/slot-file.ts';
import { credentialWrapping, type OpenedSlot, openFirst, slotsOf } from '../slots/slots.ts';
import { readCredential } from '../sources/credential.ts';
import { readKeyFile } from '../sources/key-file.ts';
import type { Keyring } from '../sources/os-keyring.ts';

/** Where the keys lie that need no human. */
export interface UnattendedSources {
  readonly keyFile: string;
  /** The folder of a unit's credentials. */
  readonly credentials: string | undefined;
  readonly keyring: () => Promise<Keyring>;
  readonly logger: Logger | undefined;
}

interface Way {
  readonly name: string;
  /** @returns the slot it opened, or in words why it has no key to offer */
  open(body: SlotFileBody, sources: UnattendedSources): Promise<OpenedSlot | string>;
}

const credential: Way = {
  name: 'credential',
  async open(body, { credentials }) {
    const slots = slotsOf(body, 'credential');
    let offered: string | undefined;
    const opened = await openFirst(body.id, slots, async (slot) => {
      const secret = await readCredential(slot.name, credentials);
      if (secret === undefined) return undefined;
      offered = slot.name;
      try {
        return credentialWrapping(slot, secret);
      } finally {
        secret.wipe();
      }
    });
    if (opened !== undefined) return opened;
    if (offered !== undefined) throw new CredentialWrongError(offered);
    return `no credential "${slots[0]?.name}" was handed in`;
  },
};

const keyring: Way = {
  name: 'keyring',
  async open(body, sources) {
    let offered = false;
    try {
      const store = await sources.keyring();
      const opened = await openFirst(body.id, slotsOf(body, 'keyring'), async (slot) => {
        const secret = await store.get(slot.id);
        offered ||= secret !== undefined;
        return secret?.byteLength === 32 ? GuardedKey.take(secret) : undefined;
      });
      if (opened !== undefined) return opened;
    } catch (error) {
      if (error instanceof KeyringUnavailableError) return error.message;
      return new KeyringUnavailableError('it cannot be read', error).message;
    }
    if (offered) throw new KeyringWrongError();
    return 'the keyring has no entry for this home';
  },
};

const keyFile: Way = {
  name: 'key-file',
  async open(body, { keyFile: file }) {
    const key = await readKeyFile(file);
    if (key === undefined) return `there is no key file at ${file}`;
    try {
      const opened = await openFirst(body.id, slotsOf(body, 'key-file'), () =>
        GuardedKey.take(key.use((bytes) => Uint8Array.from(bytes))),
      );
      if (opened === undefined) throw new KeyFileWrongError(file);
      return opened;
    } finally {
      key.wipe();
    }
  },
};

/** In this order: what the machine's owner arranged for this very service first, what merely lies on the disk last. */
const WAYS = [credential, keyring, keyFile] as const;

/**
 * Opens a slot that needs no human: credential, then keyring, then key file. A way that has no key to offer is passed
 * over; one whose key is wrong is too, with a warning, and its error is thrown if none of the rest opens.
 *
 * @throws {KeyNotGivenError} when no way had a key to offer
 */
export async function openUnattended(body: SlotFileBody, sources: UnattendedSources): Promise<OpenedSlot> {
  const kinds: readonly string[] = body.slots.map((slot) => slot.kind);
  const passedOver = ['no password was given'];
  let wrong: { readonly error: unknown } | undefined;
  for (const way of WAYS) {
    if (!kinds.includes(way.name)) continue;
    try {
      const opened = await way.open(body, sources);
      if (typeof opened !== 'string') return opened;
      passedOver.push(opened);
      sources.logger?.info('A way to unlock has nothing to offer', { kind: way.name, reason: opened });
    } catch (error) {
      wrong ??= { error };
      sources.logger?.warn('A way to unlock failed', { kind: way.name, error });
    }
  }
  if (wrong !== undefined) throw wrong.error;
  throw new KeyNotGivenError(kinds, passedOver.join('; '));
}
