import { PairingCodeInvalidError } from '../errors.ts';
import type { CryptoSuite } from '../suites/crypto-suite.ts';
import { decodeSymbols, encodeSymbols, grouped } from './base32.ts';

const ID_CHARACTERS = 3;
const SECRET_CHARACTERS = 20;
const CHARACTERS = ID_CHARACTERS + SECRET_CHARACTERS + 1;
const LABEL = new TextEncoder().encode('aico pairing code 1');

/**
 * A code that a person carries from the server to a new device, typed or as a QR code: a public id of 15 bits, which selects
 * the pending pairing, a secret of 100 bits, and a check character.
 *
 * The secret is a pre-shared key of Noise, and an attacker who impersonates the server can record a handshake and try codes
 * offline. 100 bits make this infeasible; six digits would not, and would need a PAKE.
 */
export interface PairingCode {
  /** From 0 to 32,767. Sent unencrypted. */
  readonly id: number;
  /** The 24 characters in groups. Secret. */
  readonly text: string;
  /** The pre-shared key of the handshake. Secret. */
  readonly psk: Uint8Array;
}

/** Creates a code from the suite's randomness, with an id that is not in `taken`. */
export function createPairingCode(
  suite: CryptoSuite,
  taken: (id: number) => boolean = () => false,
): PairingCode {
  const secret = suite.random(SECRET_CHARACTERS);
  let idSymbols = suite.random(ID_CHARACTERS);
  while (taken(idOf([...idSymbols].map((byte) => byte & 31)))) idSymbols = suite.random(ID_CHARACTERS);
  const symbols = [...idSymbols, ...secret].map((byte) => byte & 31);
  return codeFrom(suite, [...symbols, checkSymbol(symbols)]);
}

/**
 * Parses a typed code. Case, spaces and dashes are ignored, O is read as 0, I and L as 1.
 * @throws {PairingCodeInvalidError} for one wrong character, two swapped ones, and 31 of 32 other mistakes
 */
export function parsePairingCode(suite: CryptoSuite, text: string): PairingCode {
  const symbols = decodeSymbols(text.replaceAll(/[\s-]/g, ''));
  if (symbols === undefined) throw new PairingCodeInvalidError('it contains an invalid character');
  if (symbols.length !== CHARACTERS)
    throw new PairingCodeInvalidError(`it has ${symbols.length} characters, and a code has ${CHARACTERS}`);
  if (checkSymbol(symbols.slice(0, -1)) !== symbols.at(-1))
    throw new PairingCodeInvalidError('a character is mistyped');
  return codeFrom(suite, symbols);
}

function codeFrom(suite: CryptoSuite, symbols: readonly number[]): PairingCode {
  const text = encodeSymbols(symbols);
  const psk = suite.hash(LABEL, new TextEncoder().encode(text));
  return { id: idOf(symbols), text: grouped(text), psk };
}

function idOf(symbols: readonly number[]): number {
  const [first = 0, second = 0, third = 0] = symbols;
  return (first << 10) | (second << 5) | third;
}

/**
 * A polynomial over GF(32) (x^5 + x^2 + 1) at a primitive element. The weights of all positions differ, so it detects every
 * single wrong character and every swap of two.
 */
function checkSymbol(symbols: readonly number[]): number {
  let check = 0;
  for (const symbol of symbols) {
    const doubled = (check ^ symbol) << 1;
    check = doubled & 32 ? doubled ^ 0b100101 : doubled;
  }
  return check;
}
