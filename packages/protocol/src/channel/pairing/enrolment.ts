import { parseJson } from '../../exact-json.ts';
import { ChannelHandshakeError } from '../errors.ts';
import { fromHex, toHex } from '../hex.ts';
import { KEY_BYTES } from '../suites/crypto-suite.ts';
import { bytesEqual, INSTANCE_BYTES } from '../wire.ts';

/** The request of a new device, sealed under the pairing code's key. */
export interface PairingRequest {
  /** The name of the device: 1 to 64 characters, none of them a control character. */
  readonly name: string;
  /** The requested roles, at most 16; the server decides. */
  readonly roles: readonly string[];
}

/** The credentials that the server gives a new device, inside the paired channel. */
export interface PairingGrant {
  /** The device's id at the server: 1 to 64 of `A-Z a-z 0-9 _ -`. */
  readonly deviceId: string;
  readonly name: string;
  readonly roles: readonly string[];
  /** The pre-shared key of this device and this server. Secret. */
  readonly psk: Uint8Array;
}

/** The length of every request on the wire. */
const REQUEST_BYTES = 1024;
const ROLE = /^[a-z][a-z0-9_-]{0,31}$/;
const DEVICE_ID = /^[A-Za-z0-9_-]{1,64}$/;
const MAX_ROLES = 16;
/** Control and formatting characters and lone surrogates: a name is shown in lists and logs. */
const HIDDEN = /\p{C}/u;

/** @throws {RangeError} if the other side would not accept the request */
export function encodeRequest({ name, roles }: PairingRequest): Uint8Array {
  if (!isName(name)) throw new RangeError('a device name has 1 to 64 visible characters');
  if (!isRoles(roles)) throw new RangeError('a role is a lower-case word, and there are at most 16');
  const json = new TextEncoder().encode(JSON.stringify({ name, roles }));
  const payload = new Uint8Array(REQUEST_BYTES);
  payload[0] = json.byteLength >>> 8;
  payload[1] = json.byteLength & 0xff;
  payload.set(json, 2);
  return payload;
}

/** @throws {ChannelHandshakeError} */
export function decodeRequest(payload: Uint8Array): PairingRequest {
  const length = ((payload[0] ?? 0) << 8) | (payload[1] ?? 0);
  if (payload.byteLength !== REQUEST_BYTES || length > REQUEST_BYTES - 2) throw malformed();
  const { name, roles } = parseObject(payload.subarray(2, 2 + length));
  if (!isName(name) || !isRoles(roles)) throw malformed();
  return { name, roles };
}

/** @throws {RangeError} if the other side would not accept the grant */
export function encodeGrant({ deviceId, name, roles, psk }: PairingGrant, instance: Uint8Array): Uint8Array {
  if (!DEVICE_ID.test(deviceId)) throw new RangeError('a device id has 1 to 64 of A-Z a-z 0-9 _ -');
  if (!isName(name) || !isRoles(roles) || psk.byteLength !== KEY_BYTES)
    throw new RangeError('a grant needs a visible name, at most 16 roles and a key of 32 bytes');
  const grant = { device: deviceId, name, roles, instance: toHex(instance), psk: toHex(psk) };
  return new TextEncoder().encode(JSON.stringify(grant));
}

/** @throws {ChannelHandshakeError} if it is malformed, or has another instance than the handshake */
export function decodeGrant(content: Uint8Array, expected: Uint8Array): PairingGrant {
  const { device, name, roles, instance, psk } = parseObject(content);
  const key = fromHex(psk, KEY_BYTES);
  const named = fromHex(instance, INSTANCE_BYTES);
  if (typeof device !== 'string' || !DEVICE_ID.test(device) || !isName(name) || !isRoles(roles))
    throw malformed();
  if (key === undefined || named === undefined) throw malformed();
  if (!bytesEqual(named, expected)) throw new ChannelHandshakeError('other instance');
  return { deviceId: device, name, roles, psk: key };
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '' && [...value].length <= 64 && !HIDDEN.test(value);
}

function isRoles(value: unknown): value is readonly string[] {
  return (
    Array.isArray(value) &&
    value.length <= MAX_ROLES &&
    value.every((role) => typeof role === 'string' && ROLE.test(role))
  );
}

function parseObject(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = parseJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (typeof value === 'object' && value !== null) return { ...value };
  } catch {
    // Not UTF-8 or not JSON; reported below.
  }
  throw malformed();
}

function malformed(): ChannelHandshakeError {
  return new ChannelHandshakeError('malformed payload');
}
