import type { Logger } from '../../core/logging/types.ts';
import {
  CredentialWrongError,
  KeyFileWrongError,
  KeyNotGivenError,
  KeyringUnavailableError,
  KeyringWrongError,
} from '../errors.ts';
import { GuardedKey } from '../keys/guarded-key.ts';
import type { SlotFileBody, SlotKind } from '../slots/slot-file.ts';
import { credentialWrapping, type OpenedSlot, openFirst, slotsOf } from '../slots/slots.ts';
import { readCredential } from '../sources/credential.ts';
import { readKeyFile } from '../sources/key-file.ts';
import type { Keyring } from '../sources/os-keyring.ts';

/** The sources of keys that need no person. */
export interface UnattendedSources {
  readonly keyFile: string;
  /** The folder of a unit's credentials. */
  readonly credentials: string | undefined;
  readonly keyring: () => Promise<Keyring>;
  readonly logger: Logger | undefined;
}

interface Way {
  readonly name: SlotKind;
  /** @returns the opened slot, or the reason why there is no key, as text */
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

/** Ordered from the source that was set up for this very service to the one that is merely a file on the disk. */
const WAYS = [credential, keyring, keyFile] as const;

/**
 * Opens a slot without a person: credential, then keyring, then key file. A source without a key is skipped; one with a wrong
 * key is skipped with a warning, and its error is thrown if no other opens.
 *
 * @throws {KeyNotGivenError} when no source had a key
 */
export async function openUnattended(body: SlotFileBody, sources: UnattendedSources): Promise<OpenedSlot> {
  const kinds = body.slots.map((slot) => slot.kind);
  const reasons = ['no password was given'];
  let wrong: { readonly error: unknown } | undefined;
  for (const way of WAYS) {
    if (!kinds.includes(way.name)) continue;
    try {
      const opened = await way.open(body, sources);
      if (typeof opened !== 'string') return opened;
      reasons.push(opened);
      sources.logger?.info('A way to unlock has nothing to offer', { kind: way.name, reason: opened });
    } catch (error) {
      wrong ??= { error };
      sources.logger?.warn('A way to unlock failed', { kind: way.name, error });
    }
  }
  if (wrong !== undefined) throw wrong.error;
  throw new KeyNotGivenError(kinds, reasons.join('; '));
}
