import { timingSafeEqual } from 'node:crypto';
import { sodium } from '@aico/protocol/sodium';

/**
 * The identity of a database (`id`) and of its present history (`epoch`): a restore begins a new history. Both are 16 random
 * bytes in base64url.
 */
export interface DatabaseHistory {
  readonly id: string;
  readonly epoch: string;
}

/** The head file in which the commit counter keeps its records. */
export interface HeadPlace extends DatabaseHistory {
  /** The head file, which exists. */
  readonly file: string;
  /** Authenticates the records. Wiped by the counter when it closes. */
  readonly macKey: Uint8Array;
}

/** The history of a database and its count of commits, as the database holds them. */
export interface DatabaseStamp extends DatabaseHistory {
  /** The number of transactions that have changed the database since it was created. */
  readonly commits: number;
}

/** The position and size of the two records of the commit counter. Each has its own block, so that a torn write damages one. */
export const RECORD_BLOCK = 512;
export const RECORDS_AT = 1_024;
export const RECORDS_END = RECORDS_AT + 2 * RECORD_BLOCK;
/** Behind them follow two blocks for notes, which take turns as well. A head of an earlier release has none. */
export const NOTES_END = RECORDS_END + 2 * RECORD_BLOCK;

const NOTE_WORD = 'note ';

const WORD = 'commits ';
const DIGITS = 20;
const MAC_BYTES = 32;

/** Keyed BLAKE2b (RFC 7693). It is computed at each commit, where an HMAC object of node:crypto would cost more than the write. */
function macOf(history: DatabaseHistory, commits: number, macKey: Uint8Array): string {
  const mac = Buffer.alloc(MAC_BYTES);
  const text = Buffer.from(`${WORD}${history.id} ${history.epoch} ${commits}`, 'latin1');
  sodium.crypto_generichash(mac, text, Buffer.from(macKey.buffer, macKey.byteOffset, macKey.byteLength));
  return mac.toString('base64url');
}

/** The record of `commits` and its position in the head file. Successive commits alternate between the two positions. */
export function encodeRecord(
  history: DatabaseHistory,
  commits: number,
  macKey: Uint8Array,
): { readonly at: number; readonly bytes: Buffer } {
  const text = `${WORD}${String(commits).padStart(DIGITS, '0')} ${macOf(history, commits, macKey)}`;
  return { at: RECORDS_AT + (commits % 2) * RECORD_BLOCK, bytes: Buffer.from(text, 'latin1') };
}

/** A complete block, as a new head file contains it. */
export function recordBlock(history: DatabaseHistory, commits: number, macKey: Uint8Array): Buffer {
  const block = Buffer.alloc(RECORD_BLOCK, ' ');
  encodeRecord(history, commits, macKey).bytes.copy(block);
  block[RECORD_BLOCK - 1] = 0x0a;
  return block;
}

/** @returns the commit count; `undefined` if the block is damaged, or belongs to another history or another key */
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

/**
 * A block with a note, or an empty one. The writer of a note authenticates it itself, with a key that the head does not know.
 * @throws {RangeError} when the note does not fit in a block, or is not plain ASCII on one line
 */
export function noteBlock(note: string | undefined): Buffer {
  const text = note === undefined ? '' : `${NOTE_WORD}${note}`;
  if (text.length >= RECORD_BLOCK || !/^[ -~]*$/.test(text))
    throw new RangeError('the note fits in no block');
  return Buffer.from(`${text.padEnd(RECORD_BLOCK - 1)}\n`, 'latin1');
}

/** The notes in the content of a head, in no order: one of them may be older than the other. */
export function notesIn(head: Buffer): readonly string[] {
  return [RECORDS_END, RECORDS_END + RECORD_BLOCK]
    .map((at) => head.subarray(at, at + RECORD_BLOCK).toString('latin1'))
    .filter((block) => block.length === RECORD_BLOCK && block.startsWith(NOTE_WORD))
    .map((block) => block.slice(NOTE_WORD.length).trimEnd());
}
