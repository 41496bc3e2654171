/** The prefix of variables that set keys. */
export const PREFIX = 'AICO_';

/** Variables that begin with `AICO_` but set no key. */
const RESERVED: ReadonlySet<string> = new Set(['AICO_HOME']);

/**
 * The environment variable that sets a key.
 *
 * @example
 * ```ts
 * variableFor('core.api_gateway.rest.port'); // AICO_CORE__API_GATEWAY__REST__PORT
 * ```
 */
export function variableFor(key: string): string {
  return PREFIX + key.split('.').map(wordInVariable).join('__');
}

/** A word as it appears in a variable: in upper case, with an underscore for a hyphen, which shells do not allow there. */
export function wordInVariable(word: string): string {
  return word.toUpperCase().replaceAll('-', '_');
}

/** Whether a variable has another meaning, so that no key may use it. */
export function isReservedVariable(variable: string): boolean {
  return RESERVED.has(variable);
}
