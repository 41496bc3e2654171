import type { CryptoSuite } from '@aico/protocol/channel';
import {
  type DeviceCredentials,
  fromHex,
  INSTANCE_BYTES,
  KEY_BYTES,
  type Paired,
  toHex,
} from '@aico/protocol/channel';
import { CredentialsInvalidError } from '../errors.ts';

/**
 * The credentials of a paired device, as JSON. They are its identity: store them where only its user can read them, such as a
 * file of mode 0600, the key store of the system, or the browser's IndexedDB.
 */
export interface Credentials {
  readonly version: 1;
  /** The backend's id of this device. */
  readonly device: string;
  /** The name of the device. */
  readonly name: string;
  /** The roles at the time of pairing. */
  readonly roles: readonly string[];
  /** The backend's public key, pinned: 32 bytes in hexadecimal, like all keys here. */
  readonly serverKey: string;
  /** The instance of the backend: 16 bytes. */
  readonly instance: string;
  /** Secret: 32 bytes. */
  readonly deviceKey: string;
  /** Secret: 32 bytes. */
  readonly psk: string;
}

export function credentialsOf({ credentials, grant }: Paired): Credentials {
  return {
    version: 1,
    device: grant.deviceId,
    name: grant.name,
    roles: grant.roles,
    serverKey: toHex(credentials.serverKey),
    instance: toHex(credentials.instance),
    deviceKey: toHex(credentials.deviceKey.secretKey),
    psk: toHex(credentials.psk),
  };
}

/** @throws {CredentialsInvalidError} if they were not returned by `pair` */
export function keysOf(suite: CryptoSuite, credentials: Credentials): DeviceCredentials {
  if (typeof credentials !== 'object' || credentials === null || credentials.version !== 1)
    throw new CredentialsInvalidError('they are of no version this client knows');
  const key = (name: 'serverKey' | 'instance' | 'deviceKey' | 'psk', length: number): Uint8Array => {
    const bytes = fromHex(credentials[name], length);
    if (bytes === undefined)
      throw new CredentialsInvalidError(`"${name}" is not ${length} bytes in hexadecimal`);
    return bytes;
  };
  return {
    deviceKey: suite.keyPair(key('deviceKey', KEY_BYTES)),
    serverKey: key('serverKey', KEY_BYTES),
    instance: key('instance', INSTANCE_BYTES),
    psk: key('psk', KEY_BYTES),
  };
}
