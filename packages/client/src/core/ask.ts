import { ReplyShapeError } from '../errors.ts';
import type { paths } from './api.ts';
import type { Client } from './client.ts';
import { misfit, type ReplyShape } from './reply-shape.ts';
import shapes from './reply-shapes.json' with { type: 'json' };

type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

/** The paths of the backend's own routes that accept a method. */
export type PathOf<M extends Method> = {
  [Path in keyof paths]: paths[Path] extends Record<M, object> ? Path : never;
}[keyof paths];

type Operation<M extends Method, Path extends keyof paths> = paths[Path][M & keyof paths[Path]];

/** The successful reply of a route; `undefined` if it has no body. */
export type ReplyOf<M extends Method, Path extends PathOf<M>> =
  Operation<M, Path> extends { readonly responses: infer Responses } ? Success<Responses> : never;

type Success<Responses> = {
  [Status in keyof Responses & (200 | 201 | 202 | 204)]: Responses[Status] extends {
    readonly content: { readonly 'application/json': infer Body };
  }
    ? Body
    : undefined;
}[keyof Responses & (200 | 201 | 202 | 204)];

type In<Place extends string, Of> = Of extends { readonly [Key in Place]: infer Values }
  ? { readonly [Key in Place]: Values }
  : unknown;

type MaybeIn<Place extends string, Of> = Of extends { readonly [Key in Place]?: infer Values }
  ? { readonly [Key in Place]?: Values }
  : unknown;

/** The parameters of a request: path, query and body. */
export type Asked<M extends Method, Path extends PathOf<M>> =
  Operation<M, Path> extends { readonly parameters: infer Parameters }
    ? In<'path', Parameters> &
        MaybeIn<'query', Parameters> &
        (Operation<M, Path> extends {
          readonly requestBody: { readonly content: { readonly 'application/json': infer Body } };
        }
          ? { readonly body: Body }
          : unknown)
    : never;

/**
 * Sends a request to a route of the backend and returns its typed reply. The reply is checked, since a backend of another
 * version may send another shape.
 *
 * @throws {ReplyShapeError} when the reply has another shape
 * @throws the errors of `client.json`
 * @example const { devices } = await ask(client, 'get', '/api/v1/devices', {});
 */
export async function ask<const M extends Method, Path extends PathOf<M>>(
  client: Pick<Client, 'json'>,
  method: M,
  path: Path,
  asked: Asked<M, Path> & Loose,
): Promise<ReplyOf<M, Path>> {
  const { path: names = {}, query = {}, body } = asked;
  const place = path.replace(/\{(\w+)\}/g, (_all, name: string) => encodeURIComponent(String(names[name])));
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    if (value !== undefined) search.append(name, String(value));
  const reply = await client.json(search.size === 0 ? place : `${place}?${search}`, {
    method: method.toUpperCase(),
    ...(body === undefined
      ? {}
      : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  return checkReply(method, path, reply);
}

/**
 * Checks and types the reply of a route that was not requested with {@link ask}.
 *
 * @throws {ReplyShapeError} when it has another shape
 */
export function checkReply<M extends Method, Path extends PathOf<M>>(
  method: M,
  path: Path,
  reply: unknown,
): ReplyOf<M, Path> {
  const operation = `${method.toUpperCase()} ${path}`;
  const known: Readonly<Record<string, ReplyShape>> = shapes;
  const shape = known[operation];
  const fault = shape === undefined ? undefined : misfit(shape, reply);
  if (fault !== undefined) throw new ReplyShapeError(operation, fault);
  // The cast is safe: the reply has been checked, and shapes and types are generated from one document.
  return reply as ReplyOf<M, Path>;
}

interface Loose {
  readonly path?: Readonly<Record<string, unknown>>;
  readonly query?: object;
  readonly body?: unknown;
}
