import { type CryptoSuite, generateKeyPair, KEY_BYTES, type KeyPair } from '../suites/crypto-suite.ts';
import type { CipherState } from './cipher-state.ts';
import type { HandshakePattern, Token } from './patterns.ts';
import { SymmetricState } from './symmetric-state.ts';

interface HandshakeOptions {
  readonly suite: CryptoSuite;
  readonly pattern: HandshakePattern;
  readonly role: 'initiator' | 'responder';
  readonly prologue: Uint8Array;
  readonly staticKey: KeyPair;
  /** The responder's static key, if the pattern requires the initiator to know it. */
  readonly remoteStatic?: Uint8Array | undefined;
}

/** The result of a finished handshake. */
export interface HandshakeKeys {
  readonly send: CipherState;
  readonly receive: CipherState;
  /** Identifies this session uniquely (Noise rev 34, section 11.2). */
  readonly handshakeHash: Uint8Array;
}

/**
 * A handshake of the Noise framework (rev 34, section 5.3), including psk patterns (section 9). It does not interpret payloads
 * and adds no frames. It must not be used after a failed read.
 */
export class HandshakeState {
  readonly #options: HandshakeOptions;
  readonly #symmetric: SymmetricState;
  #ephemeral: KeyPair | undefined;
  #remoteEphemeral: Uint8Array | undefined;
  #remoteStatic: Uint8Array | undefined;
  #psk: Uint8Array | undefined;
  #next = 0;

  constructor(options: HandshakeOptions) {
    const { suite, pattern, role, prologue, staticKey } = options;
    this.#options = options;
    this.#remoteStatic = options.remoteStatic;
    this.#symmetric = new SymmetricState(suite, `Noise_${pattern.name}_${suite.name}`);
    this.#symmetric.mixHash(prologue);
    if (pattern.knowsResponder) {
      this.#symmetric.mixHash(
        role === 'responder' ? staticKey.publicKey : present(this.#remoteStatic, 'remote static key'),
      );
    }
  }

  /** The peer's static key; authenticated once the message that carries it has been read. */
  get remoteStatic(): Uint8Array | undefined {
    return this.#remoteStatic;
  }

  get isFinished(): boolean {
    return this.#next >= this.#options.pattern.messages.length;
  }

  /** Sets the key of the `psk` token, at the latest before the message with the token is written or read. */
  setPsk(psk: Uint8Array): void {
    if (psk.byteLength !== KEY_BYTES) throw new RangeError(`a pre-shared key has ${KEY_BYTES} bytes`);
    this.#psk = psk;
  }

  /** Writes the next message. `payload` is sealed if the pattern has derived a key by then. */
  writeMessage(payload: Uint8Array): Uint8Array {
    const parts: Uint8Array[] = [];
    for (const token of this.#tokens('write')) {
      if (token === 'e') {
        this.#ephemeral = generateKeyPair(this.#options.suite);
        parts.push(this.#ephemeral.publicKey);
        this.#mixEphemeral(this.#ephemeral.publicKey);
      } else if (token === 's') {
        parts.push(this.#symmetric.encryptAndHash(this.#options.staticKey.publicKey));
      } else {
        this.#mix(token);
      }
    }
    parts.push(this.#symmetric.encryptAndHash(payload));
    const message = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
    let offset = 0;
    for (const part of parts) {
      message.set(part, offset);
      offset += part.byteLength;
    }
    return message;
  }

  /** Reads the peer's next message. Returns its payload, or undefined if any part of it was altered. */
  readMessage(message: Uint8Array): Uint8Array | undefined {
    let offset = 0;
    const take = (length: number): Uint8Array | undefined => {
      const part = message.subarray(offset, offset + length);
      offset += length;
      return part.byteLength === length ? part : undefined;
    };
    for (const token of this.#tokens('read')) {
      if (token === 'e') {
        const key = take(KEY_BYTES);
        if (key === undefined) return undefined;
        this.#remoteEphemeral = key.slice();
        this.#mixEphemeral(this.#remoteEphemeral);
      } else if (token === 's') {
        const sealed = take(KEY_BYTES + this.#symmetric.overhead);
        const key = sealed === undefined ? undefined : this.#symmetric.decryptAndHash(sealed);
        if (key === undefined) return undefined;
        this.#remoteStatic = key;
      } else {
        try {
          this.#mix(token);
        } catch {
          // A public key of low order: the suite refuses a zero result.
          return undefined;
        }
      }
    }
    return this.#symmetric.decryptAndHash(message.subarray(offset));
  }

  /** Returns the keys of the records, once, and wipes the secrets of the handshake. */
  split(): HandshakeKeys {
    if (!this.isFinished) throw new RangeError('the handshake is not finished');
    const handshakeHash = this.#symmetric.handshakeHash;
    const [toResponder, toInitiator] = this.#symmetric.split();
    this.#ephemeral?.secretKey.fill(0);
    this.#psk = undefined;
    return this.#options.role === 'initiator'
      ? { send: toResponder, receive: toInitiator, handshakeHash }
      : { send: toInitiator, receive: toResponder, handshakeHash };
  }

  #tokens(wanted: 'write' | 'read'): readonly Token[] {
    const tokens = this.#options.pattern.messages[this.#next];
    const turn = (this.#next % 2 === 0) === (this.#options.role === 'initiator') ? 'write' : 'read';
    if (tokens === undefined || turn !== wanted) throw new RangeError(`it is not the time to ${wanted}`);
    this.#next += 1;
    return tokens;
  }

  /** In a pattern with a psk, as all here are, ephemeral keys are mixed into the key too (section 9.2). */
  #mixEphemeral(publicKey: Uint8Array): void {
    this.#symmetric.mixHash(publicKey);
    this.#symmetric.mixKey(publicKey);
  }

  #mix(token: Exclude<Token, 'e' | 's'>): void {
    if (token === 'psk') {
      this.#symmetric.mixKeyAndHash(present(this.#psk, 'pre-shared key'));
      return;
    }
    // The first letter is the initiator's key, the second the responder's.
    const [first, second] = token;
    const [mine, theirs] = this.#options.role === 'initiator' ? [first, second] : [second, first];
    const own = mine === 'e' ? present(this.#ephemeral, 'ephemeral key') : this.#options.staticKey;
    const remote = theirs === 'e' ? this.#remoteEphemeral : this.#remoteStatic;
    const shared = this.#options.suite.dh(own.secretKey, present(remote, 'remote key'));
    this.#symmetric.mixKey(shared);
    shared.fill(0);
  }
}

function present<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new RangeError(`the handshake has no ${what} yet`);
  return value;
}
