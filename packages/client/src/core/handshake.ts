import {
  ChannelBusyError,
  ChannelInitiator,
  type ChannelSession,
  ChannelTruncatedError,
  type CryptoSuite,
  FrameReader,
  generateKeyPair,
  MAX_HANDSHAKE_FRAME,
  PairingInitiator,
  parsePairingCode,
} from '@aico/protocol/channel';
import { TooManyChannelsError } from '../errors.ts';
import { type Credentials, credentialsOf, keysOf } from './credentials.ts';

/** The bytes of a connection during the handshake, on any carrier. */
export interface Carrier {
  send(bytes: Uint8Array): void;
  /** Resolves with the next bytes, or with `undefined` at the end. Rejects when the connection broke. */
  receive(): Promise<Uint8Array | undefined>;
  /** Puts back bytes; the next read returns them first. */
  unread(bytes: Uint8Array): void;
}

/** The description of a new device. */
export interface PairOptions {
  /** The 24 characters that `aico device pair` shows. */
  readonly code: string;
  /** The name of this device: 1 to 64 characters. */
  readonly name: string;
  /** The requested roles; the backend grants those of the code. */
  readonly roles?: readonly string[];
}

/**
 * Opens a channel for a paired device and sends a first record at once: a server closes a channel in which no record arrives.
 *
 * @throws {TooManyChannelsError}
 */
export async function openSession(
  carrier: Carrier,
  suite: CryptoSuite,
  credentials: Credentials,
): Promise<ChannelSession> {
  const opening = new ChannelInitiator(suite, keysOf(suite, credentials));
  carrier.send(opening.message);
  const frame = await nextFrame(carrier);
  const session = unlessBusy(() => opening.receive(frame));
  carrier.send(session.idle());
  return session;
}

/** Checks the options before a connection is made, in particular a mistyped code. */
export function preparePairing(
  suite: CryptoSuite,
  { code, name, roles = [] }: PairOptions,
): PairingInitiator {
  return new PairingInitiator(suite, generateKeyPair(suite), parsePairingCode(suite, code), { name, roles });
}

/**
 * Pairs a new device. When it resolves, the backend knows that the credentials have arrived.
 *
 * @throws {TooManyChannelsError}
 */
export async function pairOn(carrier: Carrier, pairing: PairingInitiator): Promise<Credentials> {
  carrier.send(pairing.message);
  const second = await nextFrame(carrier);
  carrier.send(unlessBusy(() => pairing.receive(second)));
  for (;;) {
    const chunk = await received(carrier);
    const paired = unlessBusy(() => pairing.receiveGrant(chunk));
    if (paired === undefined) continue;
    carrier.send(paired.acknowledgement());
    // The backend's end record confirms the acknowledgement; before it the pairing can still be revoked.
    for (;;) {
      const last = await received(carrier);
      if (unlessBusy(() => paired.receiveEnd(last))) return credentialsOf(paired);
    }
  }
}

/** Translates a busy answer to the client's own error. */
function unlessBusy<T>(receive: () => T): T {
  try {
    return receive();
  } catch (error) {
    throw error instanceof ChannelBusyError ? new TooManyChannelsError(error.retryAfterSeconds) : error;
  }
}

async function nextFrame(carrier: Carrier): Promise<Uint8Array> {
  const frames = new FrameReader(MAX_HANDSHAKE_FRAME);
  for (;;) {
    const chunk = await received(carrier);
    const frame = frames.read(chunk, 0);
    if (frame === undefined) continue;
    const rest = chunk.subarray(frames.position);
    if (rest.byteLength > 0) carrier.unread(rest);
    return frame.slice();
  }
}

async function received(carrier: Carrier): Promise<Uint8Array> {
  const chunk = await carrier.receive();
  if (chunk === undefined) throw new ChannelTruncatedError();
  return chunk;
}
