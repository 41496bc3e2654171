import { sodium } from '@aico/protocol/sodium';

/** The fields of a row that its hash covers, as bytes: two texts that are read as equal may differ in their bytes. */
export interface ChainedRow {
  readonly seq: Uint8Array;
  readonly time: Uint8Array;
  readonly event: Uint8Array;
  readonly actor: Uint8Array;
  readonly action: Uint8Array;
  readonly subject: Uint8Array;
  readonly outcome: Uint8Array;
  readonly details: Uint8Array;
}

/** The fields in the order in which they are hashed. Part of the format: it never changes. */
export const CHAINED_FIELDS = [
  'seq',
  'time',
  'event',
  'actor',
  'action',
  'subject',
  'outcome',
  'details',
] as const satisfies readonly (keyof ChainedRow)[];

const HASH_BYTES = 32;
/** The hash before the first row. */
export const NO_HASH = Buffer.alloc(HASH_BYTES).toString('base64url');

/**
 * The hash of a row: BLAKE2b-256 (RFC 7693) with a key, over the hash of the row before and the fields, each preceded by its
 * length in four bytes, so that no two rows have the same encoding.
 */
export function hashOf(previous: string, row: ChainedRow, key: Uint8Array): string {
  return keyed([Buffer.from(previous), ...CHAINED_FIELDS.map((name) => row[name])], key);
}

/** The last row of a trail: how many there are, and its hash. */
export interface TrailHead {
  readonly count: number;
  readonly hash: string;
}

/** The head as a note for the head of the database, with a code of its own: the key of the database does not suffice for it. */
export function encodeTrailHead({ count, hash }: TrailHead, key: Uint8Array): string {
  return `audit ${count} ${hash} ${keyed([Buffer.from('head'), Buffer.from(String(count)), Buffer.from(hash)], key)}`;
}

/** @returns the newest head among the notes that were written with this key */
export function newestTrailHead(notes: readonly string[], key: Uint8Array): TrailHead | undefined {
  return notes
    .flatMap((note) => {
      const [, count = '', hash = ''] = note.split(' ');
      const head = { count: Number(count), hash };
      return Number.isSafeInteger(head.count) && encodeTrailHead(head, key) === note ? [head] : [];
    })
    .reduce<TrailHead | undefined>(
      (newest, head) => (head.count > (newest?.count ?? -1) ? head : newest),
      undefined,
    );
}

/** A digest of a value of the configuration, which may be a secret: only with the key can a guess at it be checked. */
export function digestOfValue(name: string, value: string, key: Uint8Array): string {
  return keyed([Buffer.from('config'), Buffer.from(name), Buffer.from(value)], key);
}

function keyed(parts: readonly Uint8Array[], key: Uint8Array): string {
  const encoded = parts.flatMap((part) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(part.byteLength);
    return [length, part];
  });
  const hash = Buffer.alloc(HASH_BYTES);
  const keyBytes = Buffer.from(key.buffer, key.byteOffset, key.byteLength);
  sodium.crypto_generichash(hash, Buffer.concat(encoded), keyBytes);
  return hash.toString('base64url');
}
