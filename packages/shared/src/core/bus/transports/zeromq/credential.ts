import { readFile, stat } from 'node:fs/promises';
import { parseJson } from '@aico/protocol';
import { type Static, Type } from 'typebox';
import { Check } from 'typebox/value';
import { isCurveKey } from './curve-keys.ts';
import { BusCredentialError } from './errors.ts';

const key = Type.String({ minLength: 40, maxLength: 40 });
const patterns = Type.Array(Type.String());

/** The content of a credential file, with which a process connects to the broker as one component. */
const busCredential = Type.Object({
  format: Type.Literal('aico-bus-credential'),
  version: Type.Literal(1),
  component: Type.String(),
  /** The addresses of the broker, in order of preference: `ipc://…` or `tcp://…`. */
  endpoints: Type.Array(Type.String(), { minItems: 1 }),
  /** The broker's public key, as Z85. */
  broker: key,
  public_key: key,
  secret_key: key,
  /** The rights at the time the file was made, for information. The broker decides by its own list. */
  publish: patterns,
  subscribe: patterns,
});

export type BusCredential = Static<typeof busCredential>;

/**
 * Reads a credential file.
 *
 * @throws {BusCredentialError} when the file cannot be read, is not a credential, or is readable by other users
 */
export async function readCredential(file: string): Promise<BusCredential> {
  let content: unknown;
  try {
    const { mode } = await stat(file);
    if (process.platform !== 'win32' && (mode & 0o077) !== 0)
      throw new BusCredentialError(file, 'other users may read it; make it private (chmod 600)');
    content = parseJson(await readFile(file, 'utf8'));
  } catch (error) {
    if (error instanceof BusCredentialError) throw error;
    throw new BusCredentialError(file, 'it cannot be read', error);
  }
  if (!Check(busCredential, content)) throw new BusCredentialError(file, 'a field is missing or invalid');
  const credential = content as BusCredential;
  for (const text of [credential.broker, credential.public_key, credential.secret_key])
    if (!isCurveKey(text)) throw new BusCredentialError(file, 'one of its keys is not a CURVE key');
  return credential;
}
