import type { CryptoSuite } from '../suites/crypto-suite.ts';
import { encodeSymbols, grouped } from './base32.ts';

/** 20 characters of 5 bits: finding a second key with the same 100 bits is infeasible. */
const CHARACTERS = 20;
const LABEL = new TextEncoder().encode('aico key fingerprint');

/**
 * The fingerprint by which people compare a public key: the first 100 bits of SHA-256 over a label and the key.
 *
 * @example
 * ```ts
 * fingerprint(suite, serverKey); // '5KHR-ZA0P-9W1E-TT6C-JX3D'
 * ```
 */
export function fingerprint(suite: CryptoSuite, publicKey: Uint8Array): string {
  const digest = suite.hash(LABEL, publicKey);
  const symbols: number[] = [];
  for (let bit = 0; bit < CHARACTERS * 5; bit += 5) {
    const pair = ((digest[bit >> 3] ?? 0) << 8) | (digest[(bit >> 3) + 1] ?? 0);
    symbols.push((pair >>> (11 - (bit & 7))) & 31);
  }
  return grouped(encodeSymbols(symbols));
}
