import type { TSchema } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import { PayloadInvalidError } from '../errors.ts';

/** Checks payloads against schemas, and compiles each schema once. */
export class SchemaChecks {
  readonly #compiled = new WeakMap<TSchema, Validator>();

  /** @throws {PayloadInvalidError} with every location and reason */
  check(topic: string, schema: TSchema, payload: unknown): void {
    let validator = this.#compiled.get(schema);
    if (validator === undefined) {
      validator = Compile(schema);
      this.#compiled.set(schema, validator);
    }
    if (validator.Check(payload)) return;
    const issues = validator
      .Errors(payload)
      .map(({ instancePath, message }) => ({ path: instancePath, message }));
    throw new PayloadInvalidError(topic, issues);
  }
}
