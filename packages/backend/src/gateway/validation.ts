import type { FastifySchemaCompiler } from 'fastify';
import type { TSchema } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
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
    const issues = validator.Errors(complete).map((issue) => ({
      path: `${httpPart ?? 'request'}${issue.instancePath}`,
      message: issue.message,
    }));
    return { error: new RequestInvalidError(issues) };
  };
};
