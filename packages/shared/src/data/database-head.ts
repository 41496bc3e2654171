import { createHmac, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { writePrivateFile } from '../core/paths/index.ts';
import { wipe } from '../security/index.ts';
import { hkdfSha256, INTERNAL_LABELS } from '../security/internal.ts';
import { DatabaseHeadError } from './errors.ts';

const Head = Type.Object(
  {
    format: Type.Literal('aico-database-head'),
    version: Type.Literal(1),
    cipher: Type.Union([Type.Literal('aegis'), Type.Literal('sqlcipher')]),
    /** The bytes of the file's first page that its cipher leaves outside its authentication; base64url. */
    header: Type.String({ maxLength: 64 }),
    createdAt: Type.String({ maxLength: 64 }),
  },
  { additionalProperties: false },
);
const Signed = Type.Object(
  { ...Head.properties, mac: Type.String({ maxLength: 64 }) },
  { additionalProperties: false },
);

/**
 * What is known of a database without opening it, authenticated by its key and kept beside it: so that a wrong key and a
 * damaged file can be told apart, and a database that vanished is not silently made anew.
 */
export type DatabaseHead = Static<typeof Head>;
export interface ReadHead {
  readonly head: DatabaseHead;
  /** Written by the holder of this key. */
  readonly isOurs: boolean;
}

const signed = Compile(Signed);

/** The head's place: beside the database. */
export function headFileOf(databaseFile: string): string {
  return `${databaseFile}.head`;
}

function macOf(head: DatabaseHead, key: Uint8Array): string {
  const macKey = hkdfSha256(key, new Uint8Array(0), INTERNAL_LABELS.databaseHead, 32);
  try {
    return createHmac('sha256', macKey).update(JSON.stringify(head)).digest('base64url');
  } finally {
    wipe(macKey);
  }
}

/** @throws {DatabaseHeadError} when it is there and is no head */
export async function readHead(databaseFile: string, key: Uint8Array): Promise<ReadHead | undefined> {
  const file = headFileOf(databaseFile);
  let content: string;
  try {
    content = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw new DatabaseHeadError(file, 'cannot be read', error);
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(content);
  } catch (error) {
    throw new DatabaseHeadError(file, 'is not JSON', error);
  }
  if (!signed.Check(parsed)) throw new DatabaseHeadError(file, 'is not in the form it was written in');
  const { mac, ...head } = parsed;
  const expected = Buffer.from(macOf(head, key));
  const found = Buffer.from(mac);
  return { head, isOurs: expected.byteLength === found.byteLength && timingSafeEqual(expected, found) };
}

export async function writeHead(databaseFile: string, head: DatabaseHead, key: Uint8Array): Promise<void> {
  const content = `${JSON.stringify({ ...head, mac: macOf(head, key) })}\n`;
  await writePrivateFile(headFileOf(databaseFile), content);
}
