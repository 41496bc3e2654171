import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { parseJson } from '@aico/protocol';
import { type Static, Type } from 'typebox';
import { Check, Errors } from 'typebox/value';
import { WriteUnconfirmedError, writePrivateFile } from '../../core/paths/index.ts';
import {
  SlotFileDamagedError,
  SlotFileInaccessibleError,
  SlotFileMissingError,
  SlotFileVersionError,
} from '../errors.ts';
import type { GuardedKey } from '../keys/guarded-key.ts';
import { deriveGuarded, INTERNAL_LABELS } from '../keys/key-derivation.ts';
import { isSameMac, macOf } from '../keys/mac.ts';

const FORMAT = 'aico-key-slots';
const VERSION = 1;
/** The constant fields of every slot file. */
export const HEADER = { format: FORMAT, version: VERSION } as const;
/** A slot file has a few kilobytes; a larger file is not read. */
const LARGEST_BYTES = 256 * 1024;
const STRICT = { additionalProperties: false };
const Text = Type.String({ maxLength: 256 });
const Whole = Type.Integer({ minimum: 0 });

const Sealed = Type.Object({ nonce: Text, ciphertext: Text }, STRICT);
const PasswordSlot = Type.Object(
  {
    id: Text,
    kind: Type.Literal('password'),
    createdAt: Text,
    algorithm: Type.Literal('argon2id-v19'),
    cost: Type.Object({ memoryKiB: Whole, passes: Whole, lanes: Whole }, STRICT),
    salt: Text,
    sealedRoot: Sealed,
  },
  STRICT,
);
const KeyFileSlot = Type.Object(
  { id: Text, kind: Type.Literal('key-file'), createdAt: Text, sealedRoot: Sealed },
  STRICT,
);
/** Its secret is as strong as a key, so it needs no Argon2id; the salt makes two slots differ. */
const RecoverySlot = Type.Object(
  { id: Text, kind: Type.Literal('recovery'), createdAt: Text, salt: Text, sealedRoot: Sealed },
  STRICT,
);
const CredentialSlot = Type.Object(
  { id: Text, kind: Type.Literal('credential'), createdAt: Text, name: Text, salt: Text, sealedRoot: Sealed },
  STRICT,
);
/** The entry in the keyring has the slot's id as its name. */
const KeyringSlot = Type.Object(
  { id: Text, kind: Type.Literal('keyring'), createdAt: Text, sealedRoot: Sealed },
  STRICT,
);
const Slot = Type.Union([PasswordSlot, RecoverySlot, CredentialSlot, KeyringSlot, KeyFileSlot]);
const Body = {
  format: Type.Literal(FORMAT),
  version: Type.Literal(VERSION),
  id: Text,
  slots: Type.Array(Slot, { maxItems: 32 }),
  keys: Type.Array(Type.Object({ name: Text, sealed: Sealed }, STRICT), { maxItems: 32 }),
};
const Signed = Type.Object({ ...Body, mac: Text, checksum: Text }, STRICT);
const SlotFileBody = Type.Object(Body, STRICT);

export type Slot = Static<typeof Slot>;
export type SlotKind = Slot['kind'];
export type SlotOf<K extends SlotKind> = Extract<Slot, { kind: K }>;
/** The content of the slot file, without the two values that protect it. */
export type SlotFileBody = Static<typeof SlotFileBody>;
/** A slot file whose checksum is correct, but which is not authenticated yet. */
export interface ReadSlotFile {
  readonly body: SlotFileBody;
  readonly mac: string;
}

const text = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;
const sha256 = (content: string): string => createHash('sha256').update(content).digest('base64url');

function bodyMac(body: SlotFileBody, root: GuardedKey): string {
  const key = deriveGuarded(root, INTERNAL_LABELS.slotFileMac);
  try {
    return key.use((bytes) => macOf(text(body), bytes));
  } finally {
    key.wipe();
  }
}

/**
 * Reads the slot file. The checksum needs no key and detects damage, so that a flipped bit is not taken for a wrong password.
 * It does not detect manipulation: `proveSlotFile` does.
 *
 * @throws {SlotFileMissingError} @throws {SlotFileInaccessibleError} @throws {SlotFileDamagedError}
 */
export async function readSlotFile(
  file: string,
  inspect?: (body: SlotFileBody) => void,
): Promise<ReadSlotFile> {
  let content: string;
  try {
    content = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
      throw new SlotFileMissingError(file);
    throw new SlotFileInaccessibleError(file, 'read', error);
  }
  if (content.length > LARGEST_BYTES) throw new SlotFileDamagedError(file, 'it is far too large');
  let parsed: unknown;
  try {
    parsed = parseJson(content);
  } catch (error) {
    throw new SlotFileDamagedError(file, 'it is not JSON', error);
  }
  const version = versionOf(parsed);
  if (version !== undefined && version > VERSION) throw new SlotFileVersionError(file, version);
  if (!Check(Signed, parsed)) {
    const [first] = Errors(Signed, parsed);
    throw new SlotFileDamagedError(
      file,
      `${first?.instancePath || 'it'} ${first?.message ?? 'is not valid'}`,
    );
  }
  const { mac, checksum, ...body } = parsed;
  inspect?.(body);
  if (sha256(text({ ...body, mac })) !== checksum)
    throw new SlotFileDamagedError(file, 'its checksum differs');
  // The file must be byte for byte as it was written: no other spelling of the same content is accepted.
  if (text({ ...body, mac, checksum }) !== content)
    throw new SlotFileDamagedError(file, 'it is not in the form it was written in');
  return { body, mac };
}

/**
 * Authenticates the whole file with the unwrapped root key.
 * @throws {SlotFileDamagedError} when it was altered
 */
export function proveSlotFile(file: string, read: ReadSlotFile, root: GuardedKey): void {
  if (!isSameMac(read.mac, bodyMac(read.body, root)))
    throw new SlotFileDamagedError(file, 'it was not written by the owner of its keys');
}

/** The version of a slot file, known or not; `undefined` for another file. */
function versionOf(parsed: unknown): number | undefined {
  if (typeof parsed !== 'object' || parsed === null || !('format' in parsed) || !('version' in parsed))
    return undefined;
  return parsed.format === FORMAT && Number.isInteger(parsed.version) ? Number(parsed.version) : undefined;
}

/**
 * Writes the slot file with mode 0600, durably and atomically.
 * @throws {SlotFileInaccessibleError} the file is unchanged
 * @throws {WriteUnconfirmedError} the new content is in force, but the disk has not confirmed it
 */
export async function writeSlotFile(file: string, body: SlotFileBody, root: GuardedKey): Promise<void> {
  const mac = bodyMac(body, root);
  const checksum = sha256(text({ ...body, mac }));
  try {
    await writePrivateFile(file, text({ ...body, mac, checksum }));
  } catch (error) {
    if (error instanceof WriteUnconfirmedError) throw error;
    throw new SlotFileInaccessibleError(file, 'written', error);
  }
}

/** The associated data of a slot's sealed root: the file it belongs to and every field of its header. */
export function slotContext(fileId: string, slot: Slot): string {
  const { sealedRoot: _, ...header } = slot;
  return JSON.stringify({ ...HEADER, file: fileId, slot: header });
}

/** The associated data of a wrapped key. */
export function wrappedKeyContext(fileId: string, name: string): string {
  return JSON.stringify({ ...HEADER, file: fileId, key: name });
}
