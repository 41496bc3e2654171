import { randomBytes } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { parseJson } from '@aico/protocol';
import { sodium } from '@aico/protocol/sodium';
import { Type } from 'typebox';
import { Check } from 'typebox/value';
import { wipe } from '../../security/index.ts';
import { hkdfSha256, INTERNAL_LABELS } from '../../security/internal.ts';

/** The places of the files that a backup contains besides the database and its key slots. */
export interface HomeFilePlaces {
  /** The folder of `config.yaml` and of the environments' files. */
  readonly configDir: string;
  /** The file of the components that may use the bus. */
  readonly grantsFile: string;
}

/** A small file of the home, identified by its purpose and not by its path. */
export interface HomeFile {
  readonly kind: 'configuration' | 'bus-grants';
  readonly name: string;
  /** Base64. */
  readonly content: string;
}

const CONFIG_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\.ya?ml$/;
/** The size limit of a configuration file, which excludes devices and links to large files. */
const LARGEST_BYTES = 4 * 1_048_576;
const NONCE = sodium.crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
const TAG = sodium.crypto_aead_xchacha20poly1305_ietf_ABYTES;

const Contents = Type.Object({
  files: Type.Array(
    Type.Object({
      kind: Type.Union([Type.Literal('configuration'), Type.Literal('bus-grants')]),
      name: Type.String({ pattern: `${CONFIG_NAME.source}|^bus-grants\\.json$` }),
      content: Type.String(),
    }),
    { maxItems: 64 },
  ),
});

/** Reads the configuration files and the bus grants of a home, as far as they exist. */
export async function readHomeFiles({ configDir, grantsFile }: HomeFilePlaces): Promise<readonly HomeFile[]> {
  const files: HomeFile[] = [];
  for (const name of (await readdir(configDir).catch(absent)).sort()) {
    const content = CONFIG_NAME.test(name) ? await contentOf(path.join(configDir, name)) : undefined;
    if (content !== undefined) files.push({ kind: 'configuration', name, content });
  }
  const grants = await contentOf(grantsFile);
  if (grants !== undefined) files.push({ kind: 'bus-grants', name: 'bus-grants.json', content: grants });
  return files;
}

/**
 * Encrypts and authenticates the files, because a configuration may contain secrets: XChaCha20-Poly1305 with a key that is derived
 * from the database's, and `context` as associated data. The nonce precedes the ciphertext.
 */
export function sealHomeFiles(files: readonly HomeFile[], databaseKey: Uint8Array, context: string): Buffer {
  const message = Buffer.from(JSON.stringify({ files }));
  const nonce = randomBytes(NONCE);
  const ciphertext = Buffer.alloc(message.byteLength + TAG);
  const key = keyOf(databaseKey);
  try {
    sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(
      ciphertext,
      message,
      Buffer.from(context),
      null,
      nonce,
      key,
    );
    return Buffer.concat([nonce, ciphertext]);
  } finally {
    wipe(key);
    wipe(message);
  }
}

/** Decrypts the files. @returns `undefined` if they were not sealed with this key and context */
export function openHomeFiles(
  sealed: Buffer,
  databaseKey: Uint8Array,
  context: string,
): readonly HomeFile[] | undefined {
  if (sealed.byteLength < NONCE + TAG) return undefined;
  const message = Buffer.alloc(sealed.byteLength - NONCE - TAG);
  const key = keyOf(databaseKey);
  try {
    sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
      message,
      null,
      sealed.subarray(NONCE),
      Buffer.from(context),
      sealed.subarray(0, NONCE),
      key,
    );
    const parsed: unknown = parseJson(message.toString('utf8'));
    return Check(Contents, parsed) ? parsed.files : undefined;
  } catch {
    // sodium-native reports a failed authentication only by throwing; the length was checked above.
    return undefined;
  } finally {
    wipe(key);
    wipe(message);
  }
}

function keyOf(databaseKey: Uint8Array): Uint8Array {
  return hkdfSha256(databaseKey, new Uint8Array(0), INTERNAL_LABELS.backupHome, 32);
}

async function contentOf(file: string): Promise<string | undefined> {
  const found = await stat(file).catch(absent);
  if (!('isFile' in found)) return undefined;
  if (!found.isFile() || found.size > LARGEST_BYTES)
    throw new Error(`${file} is not a regular file, or is larger than ${LARGEST_BYTES} bytes`);
  return (await readFile(file)).toString('base64');
}

function absent(error: unknown): never[] {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
  throw error;
}
