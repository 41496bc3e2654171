import { randomBytes, randomUUID } from 'node:crypto';
import { KeyringUnavailableError } from '../errors.ts';

/** The secret storage of the operating system for a logged-in user. */
export interface Keyring {
  /** Resolves with `undefined` if there is no entry of this name. */
  get(account: string): Promise<Uint8Array | undefined>;
  set(account: string, secret: Uint8Array): Promise<void>;
  delete(account: string): Promise<void>;
}

const SERVICE = 'aico';
const LONGEST_WAIT_MS = 5_000;

/**
 * The operating system's keyring: Keychain, Credential Manager, or the Secret Service on Linux; never the Linux kernel's, which
 * is lost at a restart. It is tested by writing, reading back and deleting, since the keyring of a headless machine answers
 * reads with "not found" instead of an error.
 *
 * @throws {KeyringUnavailableError} when there is none, its library is not installed, or it does not store entries
 */
export async function openOsKeyring(): Promise<Keyring> {
  const keyring = await load();
  const account = `probe-${randomUUID()}`;
  const written = randomBytes(16);
  let found: Uint8Array | undefined;
  try {
    await keyring.set(account, written);
    found = await keyring.get(account);
    await keyring.delete(account);
  } catch (error) {
    throw new KeyringUnavailableError('it cannot be used here', error);
  }
  if (found === undefined || !written.equals(found))
    throw new KeyringUnavailableError('it did not keep what was written to it');
  return keyring;
}

async function load(): Promise<Keyring> {
  let library: typeof import('@napi-rs/keyring');
  try {
    library = await import('@napi-rs/keyring');
  } catch (error) {
    throw new KeyringUnavailableError('its library (@napi-rs/keyring) is not installed', error);
  }
  // Without this option the library falls back to the kernel's keyring, and the key is lost at the next restart.
  const entry = (account: string) =>
    new library.AsyncEntry(SERVICE, account, { linux: { store: 'secret-service' } });
  const patience = () => AbortSignal.timeout(LONGEST_WAIT_MS);
  return {
    async get(account) {
      const secret = await entry(account).getSecret(patience());
      return secret === null ? undefined : Uint8Array.from(secret);
    },
    async set(account, secret) {
      await entry(account).setSecret(secret, patience());
    },
    async delete(account) {
      await entry(account).deleteCredential(patience());
    },
  };
}
