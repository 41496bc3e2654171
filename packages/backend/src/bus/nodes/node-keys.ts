import { hkdfSync, randomBytes } from 'node:crypto';
import type { AeadKey } from '@aico/protocol/channel';
import { sodiumSuite } from '@aico/protocol/channel/node';

const SALT_BYTES = 32;
export const TAG_BYTES = 16;

/** The two keys of a link: one for each direction. */
export interface LinkKeys {
  readonly sending: AeadKey;
  readonly receiving: AeadKey;
}

/**
 * Derives the keys of the links of a node from the key of the home. The keys of a link are bound to both nodes and to both epochs,
 * which are random for each process: a frame of an earlier process, of another link or of the other direction does not open.
 */
export class NodeKeys {
  readonly #key: Uint8Array;

  constructor(key: Uint8Array) {
    this.#key = key;
  }

  /** Seals a text that opens a link, such as HELLO. It is bound to its subject and its kind. */
  sealOpening(subject: string, kind: number, text: string): Uint8Array {
    const salt = randomBytes(SALT_BYTES);
    const plaintext = Buffer.from(text);
    const payload = Buffer.alloc(1 + SALT_BYTES + plaintext.length + TAG_BYTES);
    payload[0] = kind;
    salt.copy(payload, 1);
    const key = this.#derive(`opening ${subject} ${kind}`, salt);
    key.seal(0, undefined, plaintext, payload.subarray(1 + SALT_BYTES));
    key.wipe();
    return payload;
  }

  /** Opens the result of {@link sealOpening}; `undefined` if it was not sealed by a node of this home for this subject. */
  openOpening(subject: string, payload: Uint8Array): string | undefined {
    if (payload.length < 1 + SALT_BYTES + TAG_BYTES) return undefined;
    const plaintext = Buffer.alloc(payload.length - 1 - SALT_BYTES - TAG_BYTES);
    const key = this.#derive(`opening ${subject} ${payload[0]}`, payload.subarray(1, 1 + SALT_BYTES));
    const isGenuine = key.open(0, undefined, payload.subarray(1 + SALT_BYTES), plaintext);
    key.wipe();
    return isGenuine ? plaintext.toString() : undefined;
  }

  link(
    own: { readonly node: string; readonly epoch: string },
    peer: { readonly node: string; readonly epoch: string },
  ): LinkKeys {
    const name = (from: typeof own, to: typeof own): string =>
      `link ${from.node} ${from.epoch} ${to.node} ${to.epoch}`;
    return { sending: this.#derive(name(own, peer)), receiving: this.#derive(name(peer, own)) };
  }

  #derive(label: string, salt: Uint8Array = new Uint8Array(0)): AeadKey {
    const bytes = new Uint8Array(hkdfSync('sha256', this.#key, salt, `aico-nodes/1 ${label}`, 32));
    const key = sodiumSuite.aead(bytes);
    bytes.fill(0);
    return key;
  }
}
