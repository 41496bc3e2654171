/** What the variables start with that set keys. */
export const PREFIX = 'AICO_';

/** Read by others, and no keys. */
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

/** Upper-case, and an underscore for the hyphen, which no shell lets into a variable's name. */
export function wordInVariable(word: string): string {
  return word.toUpperCase().replaceAll('-', '_');
}

/** Whether a variable means something else, so that no key may have it. */
export function isReservedVariable(variable: string): boolean {
  return RESERVED.has(variable);
}
