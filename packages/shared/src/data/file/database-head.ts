import { createHmac, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type Static, Type } from 'typebox';
import { Check } from 'typebox/value';
import { writePrivateFile } from '../../core/paths/index.ts';
import { systemErrorIn } from '../../core/system-errors/index.ts';
import { wipe } from '../../security/index.ts';
import { hkdfSha256, INTERNAL_LABELS } from '../../security/internal.ts';
import {
  type DatabaseHistory,
  decodeRecord,
  RECORD_BLOCK,
  RECORDS_AT,
  RECORDS_END,
  recordBlock,
} from '../engine/commit-record.ts';
import { DatabaseHeadError } from '../errors.ts';

const Head = Type.Object(
  {
    format: Type.Literal('aico-database-head'),
    version: Type.Literal(2),
    cipher: Type.Union([Type.Literal('aegis'), Type.Literal('sqlcipher')]),
    /** The bytes of the file's first page that its cipher leaves outside its authentication; base64url. */
    header: Type.String({ maxLength: 64 }),
    /** Which database, and which of its histories; the database says the same of itself. */
    id: Type.String({ maxLength: 64 }),
    epoch: Type.String({ maxLength: 64 }),
    createdAt: Type.String({ maxLength: 64 }),
    /** The history that this one took the place of, where a restore or an acceptance began it. */
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
 * Facts about a database that are known without opening it, authenticated by its key and kept beside it, so that a wrong key and a
 * damaged file can be told apart, a database that vanished is not silently made anew, and an older one is noticed.
 */
export type DatabaseHead = Static<typeof Head>;
export type ReadHead =
  /** Written by the holder of this key. `commits` is the most that are known to have been durable. */
  | { readonly isOurs: true; readonly head: DatabaseHead; readonly commits: number }
  | { readonly isOurs: false; readonly head: DatabaseHead };

const History = Type.Object({ id: Head.properties.id, epoch: Head.properties.epoch });

/** The head's place: beside the database. */
export function headFileOf(databaseFile: string): string {
  return `${databaseFile}.head`;
}

/** The key that authenticates a head, from the database's. The caller wipes it. */
export function headMacKey(key: Uint8Array): Uint8Array {
  return hkdfSha256(key, new Uint8Array(0), INTERNAL_LABELS.databaseHead, 32);
}

function macOf(head: DatabaseHead, macKey: Uint8Array): string {
  return createHmac('sha256', macKey).update(JSON.stringify(head)).digest('base64url');
}

/** The constant fields in one line, padded to the records of the commit counter. */
function descriptionOf(head: DatabaseHead, mac: string): Buffer {
  return Buffer.from(`${JSON.stringify({ ...head, mac }).padEnd(RECORDS_AT - 1)}\n`);
}

/** @throws {DatabaseHeadError} when it is there and is no head */
export async function readHead(databaseFile: string, key: Uint8Array): Promise<ReadHead | undefined> {
  return await readHeadFile(headFileOf(databaseFile), key);
}

/** The same by the head's own name. */
export async function readHeadFile(file: string, key: Uint8Array): Promise<ReadHead | undefined> {
  let content: Buffer;
  try {
    content = await readFile(file);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw systemErrorIn(error) ?? new DatabaseHeadError(file, 'cannot be read', error);
  }
  const description = content.subarray(0, RECORDS_AT);
  let parsed: unknown;
  try {
    parsed = JSON.parse(description.toString('utf8'));
  } catch (error) {
    throw new DatabaseHeadError(file, 'is not JSON', error);
  }
  if (content.byteLength !== RECORDS_END || !Check(Signed, parsed))
    throw new DatabaseHeadError(file, 'is not in the form it was written in');
  const { mac, ...head } = parsed;
  if (!descriptionOf(head, mac).equals(description))
    throw new DatabaseHeadError(file, 'is not in the form it was written in');
  const macKey = headMacKey(key);
  try {
    const expected = Buffer.from(macOf(head, macKey));
    const found = Buffer.from(mac);
    if (expected.byteLength !== found.byteLength || !timingSafeEqual(expected, found))
      return { head, isOurs: false };
    const records = [0, 1]
      .map((index) => RECORDS_AT + index * RECORD_BLOCK)
      .map((at) => decodeRecord(content.subarray(at, at + RECORD_BLOCK), head, macKey))
      .filter((commits) => commits !== undefined);
    // One may be torn by a power loss; both are not.
    if (records.length === 0) throw new DatabaseHeadError(file, 'has lost its count of commits');
    return { head, isOurs: true, commits: Math.max(...records) };
  } finally {
    wipe(macKey);
  }
}

/**
 * The history in the head beside a database, not authenticated; `undefined` if none can be read. It names what a restore replaces,
 * for which the keys may be lost.
 */
export async function claimedHistory(databaseFile: string): Promise<DatabaseHistory | undefined> {
  try {
    const content = await readFile(headFileOf(databaseFile));
    const parsed: unknown = JSON.parse(content.subarray(0, RECORDS_AT).toString('utf8'));
    return Check(History, parsed) ? { id: parsed.id, epoch: parsed.epoch } : undefined;
  } catch {
    return undefined;
  }
}

/** Writes a head anew, all of it or nothing, durably. */
export async function writeHead(
  databaseFile: string,
  head: DatabaseHead,
  commits: number,
  key: Uint8Array,
): Promise<void> {
  const macKey = headMacKey(key);
  try {
    const record = recordBlock(head, commits, macKey);
    await writePrivateFile(
      headFileOf(databaseFile),
      Buffer.concat([descriptionOf(head, macOf(head, macKey)), record, record]),
    );
  } finally {
    wipe(macKey);
  }
}
