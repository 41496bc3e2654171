import { inspect } from 'node:util';
import { Type } from 'typebox';

/** The text that replaces a secret. */
export const REDACTED = '[redacted]';

/**
 * A value that is not printed by string conversion, JSON, `console.log`, spreading or enumeration. Only {@link reveal}
 * returns it, so that every use of a secret can be found by one word.
 *
 * @example
 * ```ts
 * const password = new Secret('correct horse');
 * `${password}`; // [redacted]
 * password.reveal(); // correct horse
 * ```
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  /** Whether both secrets have the same value. */
  equals(other: Secret): boolean {
    return this.#value === other.#value;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [Symbol.toPrimitive](): string {
    return REDACTED;
  }

  [inspect.custom](): string {
    return REDACTED;
  }
}

/** The values of all secrets below `value`. */
export function* secretValuesIn(value: unknown): Generator<string> {
  if (value instanceof Secret) yield value.reveal();
  else if (typeof value === 'object' && value !== null)
    for (const item of Object.values(value)) yield* secretValuesIn(item);
}

interface SecretStringOptions {
  readonly description?: string;
  /** The least number of characters. */
  readonly minLength?: number;
}

/** A schema for text that is read as a {@link Secret} and never appears in a dump or an error. */
export function SecretString(options: SecretStringOptions = {}) {
  return Type.Unsafe<Secret>({ ...options, type: 'string', secret: true });
}

export function isSecretSchema(schema: object): boolean {
  return 'secret' in schema && schema.secret === true;
}
