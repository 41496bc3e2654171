import { type Keyring, KeyringUnavailableError } from '../../security/index.ts';

/** A keyring for tests, which can be made to fail. */
export class MemoryKeyring implements Keyring {
  readonly held = new Map<string, Uint8Array>();
  fails = false;

  async get(account: string): Promise<Uint8Array | undefined> {
    if (this.fails) throw new KeyringUnavailableError('it is locked');
    return this.held.get(account);
  }

  async set(account: string, secret: Uint8Array): Promise<void> {
    if (this.fails) throw new KeyringUnavailableError('it is locked');
    this.held.set(account, secret);
  }

  async delete(account: string): Promise<void> {
    this.held.delete(account);
  }
}
