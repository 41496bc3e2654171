import type { FastifySchemaCompiler } from 'fastify';
import type { TSchema } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import type { TLocalizedValidationError } from 'typebox/error';
import { nearest } from '../core/nearest.ts';
import { RequestInvalidError } from './errors.ts';
import { readText } from './text-values.ts';

/**
 * Fastify's validator over TypeBox. Text (query, params, headers) is converted to its type first, defaults are filled in, and a
 * refusal names locations and reasons but does not quote the request.
 */
export const compileValidator: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const textual = httpPart !== 'body';
  let validator: Validator | undefined;
  return (value) => {
    // Compiled at the route's first request: most routes are not used between a start and a stop.
    validator ??= Compile(schema);
    if (!textual && validator.Check(value)) return { value };
    const complete = validator.Default(textual ? readText(schema, value ?? {}) : value);
    if (validator.Check(complete)) return { value: complete };
    const issues = validator
      .Errors(complete)
      // Reported for each of the fields as well.
      .filter(({ keyword }) => keyword !== 'additionalProperties')
      .map((issue) => ({
        path: `${httpPart ?? 'request'}${issue.instancePath}`,
        message: reasonOf(issue, schema),
      }));
    return { error: new RequestInvalidError(issues) };
  };
};

function reasonOf(
  { keyword, instancePath, schemaPath, message }: TLocalizedValidationError,
  schema: TSchema,
): string {
  if (keyword !== 'boolean' || !schemaPath.endsWith('/additionalProperties')) return message;
  const [, ...steps] = schemaPath.split('/').slice(0, -1);
  let owner: unknown = schema;
  for (const step of steps) owner = Object(owner)[step];
  const known = Object.keys(Object(Object(owner).properties));
  const name = instancePath.slice(instancePath.lastIndexOf('/') + 1);
  const near = nearest(name, known);
  return near === undefined
    ? `is unknown; the fields are: ${known.join(', ')}`
    : `is unknown; did you mean "${near}"?`;
}
