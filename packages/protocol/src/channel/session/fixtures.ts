/** Both sides of a channel, for tests and torture campaigns. */
import type { CryptoSuite } from '../suites/crypto-suite.ts';
import { generateKeyPair } from '../suites/crypto-suite.ts';
import type { ChannelSession } from './channel-session.ts';
import { ChannelInitiator, type DeviceCredentials } from './initiator.ts';
import { ChannelResponder, type PairingOpening } from './responder.ts';

export interface Server {
  readonly responder: ChannelResponder;
  readonly credentials: DeviceCredentials;
}

/** A server, and the credentials of one device it knows. */
export function createServer(suite: CryptoSuite): Server {
  const staticKey = generateKeyPair(suite);
  const instance = suite.random(16);
  return {
    responder: new ChannelResponder({ suite, staticKey, instance }),
    credentials: {
      deviceKey: generateKeyPair(suite),
      serverKey: staticKey.publicKey,
      instance,
      psk: suite.random(32),
    },
  };
}

/** The body of a frame. */
export function bodyOf(framed: Uint8Array): Uint8Array {
  return framed.slice(2);
}

/** A responder's answer to a device's first message. */
export function accept(server: Server, first: Uint8Array): { reply: Uint8Array; session: ChannelSession } {
  const opening = server.responder.open(bodyOf(first));
  if (opening.kind !== 'known') throw new Error('not a known device');
  return opening.accept(server.credentials.psk);
}

/** Performs a handshake and returns both sessions and the bytes on the wire. */
export function openChannel(
  suite: CryptoSuite,
  server: Server = createServer(suite),
): { client: ChannelSession; server: ChannelSession; first: Uint8Array; reply: Uint8Array } {
  const initiator = new ChannelInitiator(suite, server.credentials);
  const { reply, session } = accept(server, initiator.message);
  return { client: initiator.receive(bodyOf(reply)), server: session, first: initiator.message, reply };
}

/** The responder's result for the first message of a pairing. */
export function openPairing(server: Server, first: Uint8Array): PairingOpening {
  const opening = server.responder.open(bodyOf(first));
  if (opening.kind !== 'pairing') throw new Error('not a pairing');
  return opening;
}

/** The content that a session opens from `bytes`, concatenated. The bytes are not changed. */
export function received(session: ChannelSession, bytes: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  session.push(bytes.slice(), (content) => parts.push(content));
  return new Uint8Array(Buffer.concat(parts));
}
