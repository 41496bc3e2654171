import { readFile } from 'node:fs/promises';
import { parseJson } from '@aico/protocol';
import { type Static, Type } from 'typebox';
import { Check } from 'typebox/value';
import { writePrivateFile } from '../../core/paths/index.ts';
import { errnoOf, systemErrorIn } from '../../core/system-errors/index.ts';
import { wipe } from '../../security/index.ts';
import { hkdfSha256, INTERNAL_LABELS, isSameMac, macOf } from '../../security/internal.ts';
import {
  type DatabaseHistory,
  decodeRecord,
  NOTES_END,
  noteBlock,
  notesIn,
  RECORD_BLOCK,
  RECORDS_AT,
  RECORDS_END,
  recordBlock,
} from '../engine/commit-record.ts';
import type { CipherName } from '../engine/wire.ts';
import { type FileHeader, unauthenticatedHeader } from './database-file.ts';
import { DatabaseHeadError } from './errors.ts';

const Head = Type.Object(
  {
    format: Type.Literal('aico-database-head'),
    version: Type.Literal(2),
    cipher: Type.Union([Type.Literal('aegis'), Type.Literal('sqlcipher')]),
    /** The bytes of the file's first page that its cipher does not authenticate; base64url. */
    header: Type.String({ maxLength: 64 }),
    /** The identity of the database and of its history; the database contains the same. */
    id: Type.String({ maxLength: 64 }),
    epoch: Type.String({ maxLength: 64 }),
    createdAt: Type.String({ maxLength: 64 }),
    /** The history that this one replaced, if a restore or an acceptance started it. */
    replaces: Type.Optional(
      Type.Object(
        { id: Type.String({ maxLength: 64 }), epoch: Type.String({ maxLength: 64 }) },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
);
const Signed = Type.Object(
  { ...Head.properties, mac: Type.String({ maxLength: 64 }) },
  { additionalProperties: false },
);

/**
 * A description of a database in a file beside it, authenticated with a key that is derived from the database's. It distinguishes a
 * wrong key from a damaged file, prevents a missing database from being replaced by an empty one, and detects an older copy.
 */
type DatabaseHead = Static<typeof Head>;
export type ReadHead =
  /** A head that this key authenticates. `commits` is the highest commit count that is known to be durable; `notes`: see `noteBlock`. */
  | {
      readonly isOurs: true;
      readonly head: DatabaseHead;
      readonly commits: number;
      readonly notes: readonly string[];
    }
  | { readonly isOurs: false; readonly head: DatabaseHead };

const History = Type.Object({ id: Head.properties.id, epoch: Head.properties.epoch });

/** Makes the head of a database from the header of its file and its history. */
export function headOf(
  fileHeader: FileHeader,
  cipher: CipherName,
  { id, epoch }: DatabaseHistory,
  replaces?: DatabaseHistory,
): DatabaseHead {
  return {
    format: 'aico-database-head',
    version: 2,
    cipher,
    header: unauthenticatedHeader(fileHeader, cipher),
    id,
    epoch,
    createdAt: new Date().toISOString(),
    ...(replaces === undefined ? {} : { replaces: { id: replaces.id, epoch: replaces.epoch } }),
  };
}

/** The path of the head file of a database. */
export function headFileOf(databaseFile: string): string {
  return `${databaseFile}.head`;
}

/** Derives the key that authenticates a head. The caller wipes it. */
export function headMacKey(key: Uint8Array): Uint8Array {
  return hkdfSha256(key, new Uint8Array(0), INTERNAL_LABELS.databaseHead, 32);
}

/** The constant fields as one line, padded to the position of the commit counter's records. */
function descriptionOf(head: DatabaseHead, mac: string): Buffer {
  return Buffer.from(`${JSON.stringify({ ...head, mac }).padEnd(RECORDS_AT - 1)}\n`);
}

/** Reads the head of a database. @returns `undefined` if the file is missing @throws {DatabaseHeadError} when it is invalid */
export async function readHead(databaseFile: string, key: Uint8Array): Promise<ReadHead | undefined> {
  const file = headFileOf(databaseFile);
  let content: Buffer;
  try {
    content = await readFile(file);
  } catch (error) {
    if (error instanceof Error && errnoOf(error) === 'ENOENT') return undefined;
    throw systemErrorIn(error) ?? new DatabaseHeadError(file, 'cannot be read', error);
  }
  const description = content.subarray(0, RECORDS_AT);
  let parsed: unknown;
  try {
    parsed = parseJson(description.toString('utf8'));
  } catch (error) {
    throw new DatabaseHeadError(file, 'is not JSON', error);
  }
  if (content.byteLength < RECORDS_END || content.byteLength > NOTES_END || !Check(Signed, parsed))
    throw new DatabaseHeadError(file, 'has an unknown format');
  const { mac, ...head } = parsed;
  if (!descriptionOf(head, mac).equals(description))
    throw new DatabaseHeadError(file, 'has an unknown format');
  const macKey = headMacKey(key);
  try {
    if (!isSameMac(mac, macOf(JSON.stringify(head), macKey))) return { head, isOurs: false };
    const records = [0, 1]
      .map((index) => RECORDS_AT + index * RECORD_BLOCK)
      .map((at) => decodeRecord(content.subarray(at, at + RECORD_BLOCK), head, macKey))
      .filter((commits) => commits !== undefined);
    // A power loss can damage one of the two records, and not both.
    if (records.length === 0) throw new DatabaseHeadError(file, 'has no valid commit count');
    return { head, isOurs: true, commits: Math.max(...records), notes: notesIn(content) };
  } finally {
    wipe(macKey);
  }
}

/**
 * The history in the head of a database, without authentication; `undefined` if it cannot be read. A restore replaces this history,
 * for which the keys may be lost.
 */
export async function claimedHistory(databaseFile: string): Promise<DatabaseHistory | undefined> {
  try {
    const content = await readFile(headFileOf(databaseFile));
    const parsed: unknown = parseJson(content.subarray(0, RECORDS_AT).toString('utf8'));
    return Check(History, parsed) ? { id: parsed.id, epoch: parsed.epoch } : undefined;
  } catch {
    return undefined;
  }
}

/** Replaces the head atomically and durably. */
export async function writeHead(
  databaseFile: string,
  head: DatabaseHead,
  { commits, notes = [] }: { readonly commits: number; readonly notes?: readonly string[] | undefined },
  key: Uint8Array,
): Promise<void> {
  const macKey = headMacKey(key);
  try {
    const record = recordBlock(head, commits, macKey);
    await writePrivateFile(
      headFileOf(databaseFile),
      Buffer.concat([
        descriptionOf(head, macOf(JSON.stringify(head), macKey)),
        record,
        record,
        noteBlock(notes[0]),
        noteBlock(notes[1]),
      ]),
    );
  } finally {
    wipe(macKey);
  }
}
