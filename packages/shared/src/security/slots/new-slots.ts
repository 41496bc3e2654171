import { CredentialUnusableError } from '../errors.ts';
import { GuardedKey, wipe } from '../keys/guarded-key.ts';
import { CREDENTIAL_NAME, readCredential } from '../sources/credential.ts';
import { createKeyFile, readKeyFile } from '../sources/key-file.ts';
import type { Keyring } from '../sources/os-keyring.ts';
import type { Slot } from './slot-file.ts';
import { credentialSlot, keySlot } from './slots.ts';

/** A slot for the key file, which is created if it is missing. */
export async function newKeyFileSlot(fileId: string, root: GuardedKey, file: string): Promise<Slot> {
  const key = (await readKeyFile(file)) ?? (await createKeyFile(file));
  try {
    return keySlot(fileId, root, 'key-file', key);
  } finally {
    key.wipe();
  }
}

/** A slot for a new key in the keyring. The entry goes first: after a crash in between it unlocks nothing. */
export async function newKeyringSlot(fileId: string, root: GuardedKey, keyring: Keyring): Promise<Slot> {
  const key = GuardedKey.random(32);
  const bytes = key.use((memory) => Uint8Array.from(memory));
  try {
    const slot = keySlot(fileId, root, 'keyring', key);
    await keyring.set(slot.id, bytes);
    return slot;
  } finally {
    wipe(bytes);
    key.wipe();
  }
}

/**
 * A slot for the credential `name` of the unit of this process.
 * @throws {CredentialUnusableError} when there is none
 */
export async function newCredentialSlot(
  fileId: string,
  root: GuardedKey,
  folder: string | undefined,
  name: string = CREDENTIAL_NAME,
): Promise<Slot> {
  const credential = await readCredential(name, folder);
  if (credential === undefined) throw new CredentialUnusableError(name, 'it was not handed to this process');
  try {
    return credentialSlot(fileId, root, name, credential);
  } finally {
    credential.wipe();
  }
}
