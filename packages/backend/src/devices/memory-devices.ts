import { randomUUID } from 'node:crypto';
import type { Principal } from '../core/access.ts';
import type { DeviceKeys, NewDevice } from './device-registry.ts';
import type { Devices } from './devices.ts';
import { DeviceTakenError } from './errors.ts';
import { SeenOpenings } from './seen-openings.ts';

interface KnownDevice {
  readonly device: { readonly id: string; readonly name: string };
  readonly keys: DeviceKeys;
}

/** Devices that are kept in memory and have all rights. */
export class MemoryDevices implements Devices {
  readonly #byId = new Map<string, KnownDevice>();
  readonly #byKey = new Map<string, KnownDevice>();
  readonly #openings = new SeenOpenings();
  readonly #onRevoked = new Set<(id: string) => void>();

  byPublicKey(publicKey: Uint8Array): KnownDevice | undefined {
    return this.#byKey.get(Buffer.from(publicKey).toString('hex'));
  }

  /** @throws {DeviceTakenError} */
  async add({ id = randomUUID(), name, publicKey, psk }: NewDevice): Promise<void> {
    const taken = this.byPublicKey(publicKey);
    if (taken !== undefined) throw new DeviceTakenError(taken.device.name);
    const known = { device: { id, name }, keys: { publicKey: publicKey.slice(), psk: psk.slice() } };
    this.#byId.set(id, known);
    this.#byKey.set(Buffer.from(publicKey).toString('hex'), known);
  }

  async revoke(id: string): Promise<void> {
    const known = this.#byId.get(id);
    if (known === undefined) return;
    this.#byId.delete(id);
    this.#byKey.delete(Buffer.from(known.keys.publicKey).toString('hex'));
    this.#openings.forget(id);
    for (const listener of this.#onRevoked) listener(id);
  }

  noteOpening(id: string, openingId: Uint8Array): boolean {
    return this.#openings.add(id, openingId);
  }

  async noteSeen(): Promise<void> {}

  onRevoked(listener: (id: string) => void): () => void {
    this.#onRevoked.add(listener);
    return () => this.#onRevoked.delete(listener);
  }

  principalOf(id: string): Principal {
    const name = this.#byId.get(id)?.device.name ?? '';
    return { kind: 'device', id, name, may: () => this.#byId.has(id) };
  }
}
