import { type TProperties, Type } from 'typebox';

/**
 * The body or the query parameters of a request. Fields that are not listed are refused: a misspelt filter of a list would
 * otherwise select everything.
 *
 * @example
 * ```ts
 * const Query = requestOf({ limit: Type.Optional(Type.Integer({ minimum: 1 })) });
 * ```
 */
export const requestOf = <Fields extends TProperties>(fields: Fields) =>
  Type.Object(fields, { additionalProperties: false });
