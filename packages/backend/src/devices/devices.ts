import type { Principal } from '../core/access.ts';
import type { Device, DeviceKeys, NewDevice } from './device-registry.ts';

/** Who may open a channel: what the host of channels needs to know, wherever it is kept. */
export interface Devices {
  /** The device of a public key, with the secret its handshake needs. */
  byPublicKey(
    publicKey: Uint8Array,
  ): { readonly device: Pick<Device, 'id'>; readonly keys: DeviceKeys } | undefined;
  /** Pairs a device; kept when it resolves. */
  add(device: NewDevice): Promise<unknown>;
  revoke(id: string): Promise<void>;
  /** It has opened a channel. */
  noteSeen(id: string): Promise<void>;
  /** Told of each revocation before anything else happens of it. */
  onRevoked(listener: (id: string) => void): () => void;
  principalOf(id: string): Principal;
}
