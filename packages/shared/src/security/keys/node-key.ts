import {
  createHash,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';
import { createKeyFile, readKeyFile } from '../sources/key-file.ts';
import { GuardedKey, wipe } from './guarded-key.ts';
import { deriveGuarded, INTERNAL_LABELS } from './key-derivation.ts';
import { openSealedKey, sealKey } from './sealing.ts';

/** A key that only the owner of a node key can open. All texts are base64url. */
export interface SealedToNode {
  /** The public half of a key pair that was made for this one sealing. */
  readonly ephemeral: string;
  readonly nonce: string;
  readonly ciphertext: string;
}

/** The beginning of an X25519 key in DER (RFC 8410), which its 32 bytes follow. */
const PRIVATE_DER = Buffer.from('302e020100300506032b656e04220420', 'hex');
const PUBLIC_DER = Buffer.from('302a300506032b656e032100', 'hex');
const CONTEXT = 'aico/v1/root-key-for-node';

/**
 * The X25519 key pair of one node of a home, in a file that only its user can read. It identifies the node, and opens the root key
 * that another node has sealed to it.
 */
export class NodeKey {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  readonly #private: KeyObject;

  private constructor(secret: GuardedKey) {
    const der = secret.use((bytes) => Buffer.concat([PRIVATE_DER, bytes]));
    this.#private = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    wipe(der);
    this.publicKey = rawOf(createPublicKey(this.#private));
    secret.wipe();
  }

  /** Makes a new key in `file`, mode 0600. */
  static async create(file: string): Promise<NodeKey> {
    return new NodeKey(await createKeyFile(file));
  }

  /**
   * Reads the key of `file`; `undefined` when there is no such file.
   * @throws {KeyFileExposedError} @throws {KeyFileUnreadableError}
   */
  static async read(file: string): Promise<NodeKey | undefined> {
    const secret = await readKeyFile(file);
    return secret && new NodeKey(secret);
  }

  get id(): string {
    return nodeIdOf(this.publicKey);
  }

  /** Opens a key; `undefined` when it was sealed to another node or altered. */
  open({ ephemeral, ...sealed }: SealedToNode): GuardedKey | undefined {
    const peer = Buffer.from(ephemeral, 'base64url');
    if (peer.byteLength !== this.publicKey.byteLength) return undefined;
    let wrapping: GuardedKey | undefined;
    try {
      wrapping = wrappingKey(this.#private, keyOf(peer), Buffer.concat([peer, this.publicKey]));
      return openSealedKey(sealed, wrapping, CONTEXT);
    } catch {
      // OpenSSL refuses a public key of low order.
      return undefined;
    } finally {
      wrapping?.wipe();
    }
  }
}

/** The id of the node that has a public key: 16 hexadecimal digits. */
export function nodeIdOf(publicKey: Uint8Array): string {
  return createHash('sha256').update(publicKey).digest('hex').slice(0, 16);
}

/** Seals `key` so that only the node with this public key can open it. */
export function sealToNode(key: GuardedKey, publicKey: Uint8Array): SealedToNode {
  const pair = generateKeyPairSync('x25519');
  const ephemeral = rawOf(pair.publicKey);
  const wrapping = wrappingKey(pair.privateKey, keyOf(publicKey), Buffer.concat([ephemeral, publicKey]));
  try {
    return { ephemeral: Buffer.from(ephemeral).toString('base64url'), ...sealKey(key, wrapping, CONTEXT) };
  } finally {
    wrapping.wipe();
  }
}

function wrappingKey(privateKey: KeyObject, publicKey: KeyObject, salt: Uint8Array): GuardedKey {
  const secret = GuardedKey.take(diffieHellman({ privateKey, publicKey }));
  try {
    return deriveGuarded(secret, INTERNAL_LABELS.nodeRootKey, salt);
  } finally {
    secret.wipe();
  }
}

function keyOf(raw: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([PUBLIC_DER, raw]), format: 'der', type: 'spki' });
}

function rawOf(publicKey: KeyObject): Uint8Array {
  return Uint8Array.from(publicKey.export({ format: 'der', type: 'spki' }).subarray(PUBLIC_DER.byteLength));
}
