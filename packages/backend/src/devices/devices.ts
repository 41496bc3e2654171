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
  /**
   * Remembers the id of an opening, which every first handshake message has its own of.
   *
   * @returns whether it is new: if not, the message is a replay
   */
  noteOpening(id: string, openingId: Uint8Array): boolean;
  /** The device has proved that it is there, in the channel of that opening. */
  noteSeen(id: string, openingId: Uint8Array): Promise<void>;
  /** Told of each revocation before anything else happens of it. */
  onRevoked(listener: (id: string) => void): () => void;
  principalOf(id: string): Principal;
}
