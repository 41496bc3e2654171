import { ChannelHandshakeError } from '../errors.ts';
import { HandshakeState } from '../noise/handshake-state.ts';
import { IK_PSK2, XX_PSK3 } from '../noise/patterns.ts';
import { decodeRequest, encodeGrant, type PairingGrant, type PairingRequest } from '../pairing/enrolment.ts';
import { type CryptoSuite, KEY_BYTES, type KeyPair } from '../suites/crypto-suite.ts';
import { frame } from '../wire.ts';
import { ChannelSession } from './channel-session.ts';
import { decodeOpening, type OpeningHeader, prologue } from './opening.ts';

export interface ChannelResponderOptions {
  readonly suite: CryptoSuite;
  /** The server's static key. */
  readonly staticKey: KeyPair;
  /** The 16 bytes that identify this server. */
  readonly instance: Uint8Array;
}

/** The first message of a device that knows the server's key. It may be a replay: see `accept`. */
export interface KnownOpening {
  readonly kind: 'known';
  /** The device's static key, by which the device is found. */
  readonly deviceKey: Uint8Array;
  /** The 32 random bytes that the device generated for this opening. A message with the same bytes is a replay. */
  readonly openingId: Uint8Array;
  /**
   * Answers with the pre-shared key of this device, once. The first message may be a replay; only the session's `isConfirmed`
   * proves that the device is present.
   */
  accept(psk: Uint8Array): { readonly reply: Uint8Array; readonly session: ChannelSession };
}

/** The first message of a device that pairs with the code `codeId`; the third message proves that it knows the code. */
export interface PairingOpening {
  readonly kind: 'pairing';
  readonly codeId: number;
  /** The second message. */
  reply(): Uint8Array;
  /**
   * Reads the third message with the code's key.
   * @throws {ChannelHandshakeError} if the peer has another code; the attempt counts
   */
  receive(message: Uint8Array, psk: Uint8Array): PairingRequested;
}

/** The request of a peer that has proved that it knows the code. */
export interface PairingRequested {
  readonly deviceKey: Uint8Array;
  readonly request: PairingRequest;
  /** Carries the grant and the two end records only. The device's end record acknowledges the grant. */
  readonly session: ChannelSession;
  /** Seals the grant with a new pre-shared key for the device. Store the key before sending. */
  grant(device: Omit<PairingGrant, 'psk'>): { readonly message: Uint8Array; readonly psk: Uint8Array };
}

/**
 * The server's side of opening a channel: one per server, stateless.
 *
 * @example
 * ```ts
 * const opening = responder.open(firstFrame); // throws: send `responder.refusal`, close
 * if (opening.kind === 'known') {
 *   const { reply, session } = opening.accept(pskOf(opening.deviceKey));
 * }
 * ```
 */
export class ChannelResponder {
  /**
   * The frame sent to the peer after any failure: the server's public key. It is constant, so it does not reveal the reason; by
   * the key a device recognises that this is not the server it was paired with.
   */
  readonly refusal: Uint8Array;
  readonly #options: ChannelResponderOptions;

  constructor(options: ChannelResponderOptions) {
    this.#options = options;
    this.refusal = frame(options.staticKey.publicKey);
  }

  /**
   * Reads a first frame, without its length.
   * @throws {ChannelHandshakeError} for anything but a complete first message made for this server
   */
  open(body: Uint8Array): KnownOpening | PairingOpening {
    const { header, message } = decodeOpening(body);
    return header.kind === 'known' ? this.#openKnown(header, message) : this.#openPairing(header, message);
  }

  #openKnown(header: OpeningHeader, message: Uint8Array): KnownOpening {
    const handshake = this.#handshake(header);
    const deviceKey = read(handshake, message).remoteStatic;
    const once = onlyOnce();
    return {
      kind: 'known',
      deviceKey,
      openingId: message.slice(0, KEY_BYTES),
      accept: (psk) => {
        once();
        handshake.setPsk(psk);
        const reply = frame(handshake.writeMessage(new Uint8Array(0)));
        return { reply, session: new ChannelSession(handshake.split(), deviceKey, this.refusal) };
      },
    };
  }

  #openPairing(header: OpeningHeader & { kind: 'pairing' }, message: Uint8Array): PairingOpening {
    const handshake = this.#handshake(header);
    if (handshake.readMessage(message) === undefined) throw new ChannelHandshakeError('malformed');
    const onceReplied = onlyOnce();
    const onceReceived = onlyOnce();
    return {
      kind: 'pairing',
      codeId: header.codeId,
      reply: () => {
        onceReplied();
        return frame(handshake.writeMessage(this.#options.instance));
      },
      receive: (body, psk) => {
        onceReceived();
        handshake.setPsk(psk);
        const { payload, remoteStatic } = read(handshake, body);
        const session = new ChannelSession(handshake.split(), remoteStatic, this.refusal);
        return this.#requested(session, decodeRequest(payload));
      },
    };
  }

  #requested(session: ChannelSession, request: PairingRequest): PairingRequested {
    const once = onlyOnce();
    return {
      deviceKey: session.peerKey,
      request,
      session,
      grant: (device) => {
        once();
        const psk = this.#options.suite.random(KEY_BYTES);
        return { message: session.seal(encodeGrant({ ...device, psk }, this.#options.instance)), psk };
      },
    };
  }

  #handshake(header: OpeningHeader): HandshakeState {
    const { suite, staticKey, instance } = this.#options;
    return new HandshakeState({
      suite,
      pattern: header.kind === 'known' ? IK_PSK2 : XX_PSK3,
      role: 'responder',
      prologue: prologue(header, instance),
      staticKey,
    });
  }
}

function read(
  handshake: HandshakeState,
  message: Uint8Array,
): { readonly payload: Uint8Array; readonly remoteStatic: Uint8Array } {
  const payload = handshake.readMessage(message);
  const { remoteStatic } = handshake;
  if (payload === undefined || remoteStatic === undefined)
    throw new ChannelHandshakeError('does not authenticate');
  return { payload, remoteStatic };
}

/** Guards a step of a handshake: a second call would use a nonce twice. */
function onlyOnce(): () => void {
  let taken = false;
  return () => {
    if (taken) throw new ChannelHandshakeError('out of turn');
    taken = true;
  };
}
