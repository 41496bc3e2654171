import { createHmac, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { parseJson } from '@aico/protocol';
import { writePrivateFile } from '@aico/shared/core/paths';
import { systemErrorIn } from '@aico/shared/core/system-errors';
import { type Static, Type } from 'typebox';
import { Check } from 'typebox/value';
import { BusGrantsDamagedError } from '../errors.ts';

/** A component's access to the bus, and its rights. */
export const busGrant = Type.Object({
  component: Type.String(),
  /** Z85. The secret key belongs to the component and is never stored here. */
  publicKey: Type.String({ minLength: 40, maxLength: 40 }),
  publish: Type.Array(Type.String()),
  subscribe: Type.Array(Type.String()),
  /** RFC 3339. */
  createdAt: Type.String(),
  /** The time at which its key was last created. */
  keyCreatedAt: Type.String(),
});

export type BusGrant = Static<typeof busGrant>;

const GrantsContent = Type.Object({
  format: Type.Literal('aico-bus-grants'),
  version: Type.Literal(1),
  grants: Type.Array(busGrant),
  /** HMAC-SHA-256 of the JSON of `grants`, hexadecimal. */
  mac: Type.String({ pattern: '^[0-9a-f]{64}$' }),
});

/**
 * The grants of one home, authenticated with a key of that home: a user who can write the file but not unlock the home cannot
 * grant access. An older copy of the file is accepted, so a user who can restore backups can undo a revocation.
 */
export class GrantsFile {
  readonly file: string;
  readonly #key: Uint8Array;

  /** @param key wiped by the caller */
  constructor(file: string, key: Uint8Array) {
    this.file = file;
    this.#key = key;
  }

  /** @throws {BusGrantsDamagedError} */
  async read(): Promise<readonly BusGrant[]> {
    let text: string;
    try {
      text = await readFile(this.file, 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
      throw systemErrorIn(error) ?? new BusGrantsDamagedError(this.file, 'it cannot be read', error);
    }
    let parsed: unknown;
    try {
      parsed = parseJson(text);
    } catch (error) {
      throw new BusGrantsDamagedError(this.file, 'it is no JSON', error);
    }
    if (!Check(GrantsContent, parsed))
      throw new BusGrantsDamagedError(this.file, 'something is missing in it');
    if (!timingSafeEqual(Buffer.from(parsed.mac, 'hex'), this.#mac(parsed.grants)))
      throw new BusGrantsDamagedError(this.file, 'it was not written with the keys of this home');
    return parsed.grants;
  }

  /** Durable when it resolves. */
  async write(grants: readonly BusGrant[]): Promise<void> {
    const mac = this.#mac(grants).toString('hex');
    await writePrivateFile(
      this.file,
      `${JSON.stringify({ format: 'aico-bus-grants', version: 1, grants, mac }, undefined, 2)}\n`,
    );
  }

  #mac(grants: readonly BusGrant[]): Buffer {
    return createHmac('sha256', this.#key).update(JSON.stringify(grants)).digest();
  }
}
