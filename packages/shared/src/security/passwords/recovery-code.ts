import { randomInt } from 'node:crypto';
import { RecoveryCodeInvalidError } from '../errors.ts';

/** Crockford's base32: no I, L, O, U. The five symbols after it are used as check symbols only. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const CHECK = `${ALPHABET}*~$=U`;
/** 27 symbols of 5 bits: 135 bits of entropy. With the check symbol there are seven groups of four. */
const SYMBOLS = 27;
const GROUP = 4;

/**
 * A new recovery code: 135 random bits in Crockford's base32 (crockford.com/base32.html), with its check symbol (modulo 37), in
 * seven groups of four.
 *
 * @example
 * ```ts
 * const code = createRecoveryCode(); // 'K7QF-2M9X-…'
 * await keys.setRecoveryCode(code);
 * ```
 */
export function createRecoveryCode(): string {
  let symbols = '';
  for (let index = 0; index < SYMBOLS; index += 1) symbols += ALPHABET[randomInt(32)];
  return encodeRecoveryCode(symbols);
}

/** Formats 27 `symbols` with their check symbol. */
export function encodeRecoveryCode(symbols: string): string {
  const whole = symbols + checkSymbol(symbols);
  return (whole.match(new RegExp(`.{1,${GROUP}}`, 'gu')) ?? []).join('-');
}

/**
 * Parses a typed code into its 27 symbols: case, spaces and dashes are ignored, O is read as 0, I and L as 1. Any single wrong
 * symbol, and any swap of two of the 27, is detected without trying the slots.
 *
 * @throws {RecoveryCodeInvalidError} when it is not a code, or is mistyped
 */
export function decodeRecoveryCode(typed: string): string {
  const plain = typed
    .normalize('NFKC')
    .toUpperCase()
    .replace(/[\s\p{Dash_Punctuation}]/gu, '')
    .replaceAll('O', '0')
    .replace(/[IL]/g, '1');
  const symbolsTyped = [...plain];
  if (symbolsTyped.some((symbol) => !CHECK.includes(symbol)))
    throw new RecoveryCodeInvalidError('it has a character that no recovery code has');
  if (symbolsTyped.length !== SYMBOLS + 1)
    throw new RecoveryCodeInvalidError(
      `it has ${symbolsTyped.length} characters without spaces and dashes, and a recovery code has ${SYMBOLS + 1}`,
    );
  if (symbolsTyped.slice(0, SYMBOLS).some((symbol) => !ALPHABET.includes(symbol)))
    throw new RecoveryCodeInvalidError('it has a character that no recovery code has in that place');
  const symbols = plain.slice(0, SYMBOLS);
  if (checkSymbol(symbols) !== plain.at(-1))
    throw new RecoveryCodeInvalidError('its check symbol does not fit: there is a typo in it');
  return symbols;
}

function checkSymbol(symbols: string): string {
  let rest = 0;
  for (const symbol of symbols) rest = (rest * 32 + ALPHABET.indexOf(symbol)) % CHECK.length;
  return CHECK[rest] ?? '';
}
