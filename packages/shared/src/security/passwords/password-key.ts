import { Buffer } from 'node:buffer';
import { GuardedKey, wipe } from '../keys/guarded-key.ts';

/** The library's names for these are ambient enums, which a single-file compiler cannot read. */
const ARGON2ID = 2;
const VERSION_0X13 = 1;

/** The cost of one password guess, in the parameters of Argon2id (RFC 9106). */
export interface PasswordCost {
  readonly memoryKiB: number;
  readonly passes: number;
  readonly lanes: number;
}

/** RFC 9106's second recommended option: below this a slot is refused before any work is done with it. */
export const COST_FLOOR: PasswordCost = { memoryKiB: 64 * 1024, passes: 3, lanes: 1 };

/** A slot above this is refused, so that a manipulated file cannot make the machine work for hours. */
export const COST_CEILING: PasswordCost = { memoryKiB: 4 * 1024 * 1024, passes: 64, lanes: 16 };

/** Why `cost` is refused, or `undefined` if it is accepted. */
export function costProblem(cost: PasswordCost): string | undefined {
  for (const name of ['memoryKiB', 'passes', 'lanes'] as const) {
    if (cost[name] < COST_FLOOR[name])
      return `${name} is ${cost[name]}, and the least accepted is ${COST_FLOOR[name]}`;
    if (cost[name] > COST_CEILING[name])
      return `${name} is ${cost[name]}, and the most accepted is ${COST_CEILING[name]}`;
  }
  return undefined;
}

/**
 * Derives a 256-bit key from a password with Argon2id version 0x13 (RFC 9106). The password is first normalised to Unicode
 * NFKC, so that it is the same from every keyboard.
 */
export async function passwordKey(
  password: string,
  salt: Uint8Array,
  cost: PasswordCost,
): Promise<GuardedKey> {
  const secret = Buffer.from(password.normalize('NFKC'), 'utf8');
  try {
    return GuardedKey.take(await argon2id(secret, salt, cost));
  } finally {
    wipe(secret);
  }
}

/** Argon2id over bytes with 32 bytes of output, off the main thread. */
export async function argon2id(
  message: Uint8Array,
  salt: Uint8Array,
  cost: PasswordCost,
): Promise<Uint8Array> {
  // Loaded when it is first used: a home with a key file needs no password.
  const { hashRaw } = await import('@node-rs/argon2');
  return await hashRaw(message, {
    algorithm: ARGON2ID,
    version: VERSION_0X13,
    memoryCost: cost.memoryKiB,
    timeCost: cost.passes,
    parallelism: cost.lanes,
    outputLen: 32,
    salt,
  });
}
