import type { Principal } from '../core/access.ts';
import type { Device, DeviceKeys, NewDevice } from './device-registry.ts';

/** The devices that may open a channel, independent of their storage. */
export interface Devices {
  /** The device of a public key, with its pre-shared key. */
  byPublicKey(
    publicKey: Uint8Array,
  ): { readonly device: Pick<Device, 'id'>; readonly keys: DeviceKeys } | undefined;
  /** Pairs a device. Resolves once it is stored. */
  add(device: NewDevice): Promise<unknown>;
  revoke(id: string): Promise<void>;
  /**
   * Remembers the id of an opening, which is unique to each first message.
   *
   * @returns `false` if it is known: the message is a replay
   */
  noteOpening(id: string, openingId: Uint8Array): boolean;
  /** Records that the device has authenticated in the channel of that opening. */
  noteSeen(id: string, openingId: Uint8Array): Promise<void>;
  /** Calls `listener` at each revocation, before anything else. */
  onRevoked(listener: (id: string) => void): () => void;
  principalOf(id: string): Principal;
}
