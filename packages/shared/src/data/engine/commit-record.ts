import { timingSafeEqual } from 'node:crypto';
import sodium from 'sodium-native';

/** Which database, and which of its histories: a restore begins a new one. Both are 16 random bytes in base64url. */
export interface DatabaseHistory {
  readonly id: string;
  readonly epoch: string;
}

/** Where the commit counter keeps its records. */
export interface HeadPlace extends DatabaseHistory {
  /** The head file, which is there. */
  readonly file: string;
  /** Authenticates the records. Wiped by the counter when it closes. */
  readonly macKey: Uint8Array;
}

/** The history of a database and its count of commits, as the database holds them. */
export interface DatabaseStamp extends DatabaseHistory {
  /** Transactions that have changed it since it was made. */
  readonly commits: number;
}

/** Where the two records of the commit counter lie in the head file: a block each, so that a torn write hits one. */
export const RECORD_BLOCK = 512;
export const RECORDS_AT = 1_024;
export const RECORDS_END = RECORDS_AT + 2 * RECORD_BLOCK;

const WORD = 'commits ';
const DIGITS = 20;
const MAC_BYTES = 32;

/** BLAKE2b with a key (RFC 7693): once a commit, where an HMAC object of node:crypto would cost more than the write. */
function macOf(history: DatabaseHistory, commits: number, macKey: Uint8Array): string {
  const mac = Buffer.alloc(MAC_BYTES);
  const text = Buffer.from(`${WORD}${history.id} ${history.epoch} ${commits}`, 'latin1');
  sodium.crypto_generichash(mac, text, Buffer.from(macKey.buffer, macKey.byteOffset, macKey.byteLength));
  return mac.toString('base64url');
}

/** The record of `commits`, and where in the head file it goes: the two take turns. */
export function encodeRecord(
  history: DatabaseHistory,
  commits: number,
  macKey: Uint8Array,
): { readonly at: number; readonly bytes: Buffer } {
  const text = `${WORD}${String(commits).padStart(DIGITS, '0')} ${macOf(history, commits, macKey)}`;
  return { at: RECORDS_AT + (commits % 2) * RECORD_BLOCK, bytes: Buffer.from(text, 'latin1') };
}

/** A whole block, as it lies in a new head. */
export function recordBlock(history: DatabaseHistory, commits: number, macKey: Uint8Array): Buffer {
  const block = Buffer.alloc(RECORD_BLOCK, ' ');
  encodeRecord(history, commits, macKey).bytes.copy(block);
  block[RECORD_BLOCK - 1] = 0x0a;
  return block;
}

/** @returns the counter, or `undefined` where the block is not whole and written for this history with this key */
export function decodeRecord(
  block: Buffer,
  history: DatabaseHistory,
  macKey: Uint8Array,
): number | undefined {
  const text = block.toString('latin1');
  const commits = Number(text.slice(WORD.length, WORD.length + DIGITS));
  if (!Number.isSafeInteger(commits) || commits < 0) return undefined;
  const expected = recordBlock(history, commits, macKey);
  return expected.byteLength === block.byteLength && timingSafeEqual(expected, block) ? commits : undefined;
}
