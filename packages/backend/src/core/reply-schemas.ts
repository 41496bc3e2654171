import type { Readable } from 'node:stream';
import { type Static, type TOptional, type TSchema, type TUnsafe, Type } from 'typebox';

/** A time, in RFC 3339 format. */
export const Instant = Type.String({ format: 'date-time' });

/** A read-only list, so that a service's own list can be returned without a copy. */
export const listOf = <Item extends TSchema>(item: Item) => Type.Immutable(Type.Array(item));

/** A field that is omitted if it is undefined, as in JSON. */
export const maybe = <Field extends TSchema>(field: Field): TOptional<TUnsafe<Static<Field> | undefined>> =>
  Type.Optional(Type.Unsafe<Static<Field> | undefined>(field));

/** The replies of a route whose success has no content. */
export const NO_CONTENT = { 204: Type.Null({ description: 'Done.' }) } as const;

/** The body of a reply that is not JSON. */
type Content = string | Uint8Array | Readable | ReadableStream;

/**
 * The replies of a route that does not send JSON: `text/event-stream`, a download. The gateway sends the body unchanged.
 *
 * @example app.get('/raw', { config: READ, schema: { response: contentOf('message/rfc822', 'As it came.') } }, …);
 */
export function contentOf(mediaType: string, description: string) {
  return {
    200: {
      description,
      content: { [mediaType]: { schema: Type.Unsafe<Content>(Type.String()) } },
    },
  };
}

/** Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html). */
export const eventStream = (description: string) => contentOf('text/event-stream', description);

/**
 * `true` if a schema and an interface have the same fields with the same types. A field that may be undefined may be absent.
 *
 * @example true satisfies Says<typeof StatusReply, DatabaseStatus>;
 */
export type Says<Schema extends TSchema, Interface> = [Spread<Static<Schema>>, Spread<Interface>] extends [
  Spread<Interface>,
  Spread<Static<Schema>>,
]
  ? true
  : never;

/** Makes every field required, since the absence of an optional one would go unnoticed. */
type Spread<T> = T extends readonly (infer Item)[]
  ? readonly Spread<Item>[]
  : T extends object
    ? { readonly [Key in keyof Required<T>]: Key extends keyof T ? Spread<T[Key]> : never }
    : T;
