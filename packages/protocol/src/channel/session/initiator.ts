import {
  ChannelBusyError,
  ChannelHandshakeError,
  ChannelRefusedError,
  ChannelServerKeyChangedError,
  ChannelTruncatedError,
} from '../errors.ts';
import { HandshakeState } from '../noise/handshake-state.ts';
import { IK_PSK2, XX_PSK3 } from '../noise/patterns.ts';
import { decodeGrant, encodeRequest, type PairingGrant, type PairingRequest } from '../pairing/enrolment.ts';
import { fingerprint } from '../pairing/fingerprint.ts';
import type { PairingCode } from '../pairing/pairing-code.ts';
import type { CryptoSuite, KeyPair } from '../suites/crypto-suite.ts';
import { BUSY_BYTES, busySeconds, bytesEqual, frame, INSTANCE_BYTES, REFUSAL_BYTES } from '../wire.ts';
import { ChannelSession } from './channel-session.ts';
import { encodeHeader, type OpeningHeader, prologue } from './opening.ts';

const NOTHING = new Uint8Array(0);

/** The credentials with which a paired device opens a channel. `deviceKey.secretKey` and `psk` are secret. */
export interface DeviceCredentials {
  readonly deviceKey: KeyPair;
  /** The server's static public key, pinned. */
  readonly serverKey: Uint8Array;
  /** The 16 bytes that identify the server. */
  readonly instance: Uint8Array;
  readonly psk: Uint8Array;
}

/**
 * The device's side of opening a channel. Send `message` and pass the answer to `receive`. No application data is sent before
 * that, since a first message can be replayed.
 */
export class ChannelInitiator {
  /** The first message, in its frame. */
  readonly message: Uint8Array;
  readonly #suite: CryptoSuite;
  readonly #serverKey: Uint8Array;
  readonly #handshake: HandshakeState;
  #received = false;

  constructor(suite: CryptoSuite, { deviceKey, serverKey, instance, psk }: DeviceCredentials) {
    const header: OpeningHeader = { kind: 'known' };
    this.#suite = suite;
    this.#serverKey = serverKey.slice();
    this.#handshake = new HandshakeState({
      suite,
      pattern: IK_PSK2,
      role: 'initiator',
      prologue: prologue(header, instance),
      staticKey: deviceKey,
      remoteStatic: this.#serverKey,
    });
    this.#handshake.setPsk(psk);
    this.message = frame(Uint8Array.of(...encodeHeader(header), ...this.#handshake.writeMessage(NOTHING)));
  }

  /**
   * Reads the answer, a frame without its length.
   * @throws {ChannelServerKeyChangedError} if the server offers another key; do not continue
   * @throws {ChannelRefusedError} if the server refuses, without a reason
   * @throws {ChannelBusyError} if the server has too many channels
   * @throws {ChannelHandshakeError} if the answer was not made by the pinned server for this device
   */
  receive(body: Uint8Array): ChannelSession {
    if (this.#received) throw new ChannelHandshakeError('out of turn');
    this.#received = true;
    if (body.byteLength === BUSY_BYTES) throw new ChannelBusyError(busySeconds(body));
    if (body.byteLength === REFUSAL_BYTES) {
      if (bytesEqual(body, this.#serverKey)) throw new ChannelRefusedError();
      throw new ChannelServerKeyChangedError(
        fingerprint(this.#suite, this.#serverKey),
        fingerprint(this.#suite, body),
      );
    }
    const payload = this.#handshake.readMessage(body);
    if (payload === undefined) throw new ChannelHandshakeError('does not authenticate');
    if (payload.byteLength > 0) throw new ChannelHandshakeError('malformed payload');
    return new ChannelSession(this.#handshake.split(), this.#serverKey, NOTHING);
  }
}

/** The result of a pairing: store it, send `acknowledgement`, and pass received bytes to `receiveEnd`. */
export interface Paired {
  readonly credentials: DeviceCredentials;
  readonly grant: PairingGrant;
  /** This side's end record, which tells the server that the credentials were stored. */
  acknowledgement(): Uint8Array;
  /**
   * Takes bytes that arrived after the grant. Until the server's end record has come, the server may still forget the device.
   *
   * @returns whether the server's end record has come
   * @throws {ChannelRefusedError} if the server has revoked the pairing
   * @throws {ChannelRecordError}
   */
  receiveEnd(chunk: Uint8Array): boolean;
}

/**
 * A new device that pairs with a code. Send `message`, pass the answer to `receive`, send the result, and pass further bytes to
 * `receiveGrant` until it returns a value. Only then has the server proved that it knows the code.
 */
export class PairingInitiator {
  /** The first message, in its frame. */
  readonly message: Uint8Array;
  readonly #deviceKey: KeyPair;
  readonly #request: Uint8Array;
  readonly #handshake: HandshakeState;
  #state:
    | { readonly kind: 'opening' }
    | { readonly kind: 'asking'; readonly session: ChannelSession; readonly instance: Uint8Array }
    | { readonly kind: 'over' } = { kind: 'opening' };

  constructor(suite: CryptoSuite, deviceKey: KeyPair, code: PairingCode, request: PairingRequest) {
    const header: OpeningHeader = { kind: 'pairing', codeId: code.id };
    this.#deviceKey = deviceKey;
    this.#request = encodeRequest(request);
    this.#handshake = new HandshakeState({
      suite,
      pattern: XX_PSK3,
      role: 'initiator',
      prologue: prologue(header, new Uint8Array(INSTANCE_BYTES)),
      staticKey: deviceKey,
    });
    this.#handshake.setPsk(code.psk);
    this.message = frame(Uint8Array.of(...encodeHeader(header), ...this.#handshake.writeMessage(NOTHING)));
  }

  /**
   * Reads the second message, without its length, and returns the third to send.
   * @throws {ChannelRefusedError} if no such code is pending
   * @throws {ChannelBusyError} if the server has too many channels
   * @throws {ChannelHandshakeError}
   */
  receive(body: Uint8Array): Uint8Array {
    if (this.#state.kind !== 'opening') throw new ChannelHandshakeError('out of turn');
    this.#state = { kind: 'over' };
    if (body.byteLength === BUSY_BYTES) throw new ChannelBusyError(busySeconds(body));
    if (body.byteLength === REFUSAL_BYTES) throw new ChannelRefusedError();
    const instance = this.#handshake.readMessage(body);
    const { remoteStatic } = this.#handshake;
    if (instance === undefined || remoteStatic === undefined)
      throw new ChannelHandshakeError('does not authenticate');
    if (instance.byteLength !== INSTANCE_BYTES) throw new ChannelHandshakeError('malformed payload');
    const message = frame(this.#handshake.writeMessage(this.#request));
    const session = new ChannelSession(this.#handshake.split(), remoteStatic, NOTHING);
    this.#state = { kind: 'asking', session, instance };
    return message;
  }

  /**
   * Takes bytes that arrived after the third message. Returns undefined until the grant is complete.
   * @throws {ChannelRefusedError} if the code was wrong, or the owner declined
   * @throws {ChannelHandshakeError | ChannelRecordError | ChannelTruncatedError}
   */
  receiveGrant(chunk: Uint8Array): Paired | undefined {
    const state = this.#state;
    if (state.kind !== 'asking') throw new ChannelHandshakeError('out of turn');
    const { session, instance } = state;
    let grant: PairingGrant | undefined;
    try {
      session.push(chunk, (content) => {
        if (grant !== undefined) throw new ChannelHandshakeError('malformed payload');
        grant = decodeGrant(content, instance);
      });
    } catch (error) {
      this.#state = { kind: 'over' };
      throw error;
    }
    if (grant === undefined) {
      if (session.peerEnded) throw new ChannelTruncatedError();
      return undefined;
    }
    this.#state = { kind: 'over' };
    const credentials = {
      deviceKey: this.#deviceKey,
      serverKey: session.peerKey,
      instance,
      psk: grant.psk,
    };
    return {
      credentials,
      grant,
      acknowledgement: () => session.end(),
      receiveEnd(received) {
        session.push(received, () => {
          throw new ChannelHandshakeError('malformed payload');
        });
        return session.peerEnded;
      },
    };
  }
}
