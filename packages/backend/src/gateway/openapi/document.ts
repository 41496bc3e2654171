import { PROBLEM_MEDIA_TYPE } from '@aico/protocol';
import type { OpenApiDocument } from '../../core/gateway.ts';
import { ProblemSchema } from '../../core/problem-schema.ts';
import type { DeclaredRoute } from './declared-routes.ts';

/** A JSON Schema (2020-12), which OpenAPI 3.1 uses unchanged. */
type Schema = Readonly<Record<string, unknown>>;

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required: boolean;
  readonly schema: unknown;
  readonly description?: unknown;
}

/** Described once for the document, since every operation can answer with it. */
const PROBLEM_RESPONSE = {
  description: 'What went wrong (RFC 9457).',
  content: { [PROBLEM_MEDIA_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } },
};

const PROBLEM = { $ref: '#/components/responses/Problem' };

const WEB_SOCKET = { 101: { description: 'A WebSocket (RFC 6455).' } };

/**
 * Describes the routes as OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.0). `x-aico-access` is the capability that a
 * caller needs.
 */
export function openApiDocument(routes: readonly DeclaredRoute[], version: string): OpenApiDocument {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const path = templateOf(route.path);
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route, path) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'AICO',
      version,
      description: 'Reached over the local socket or a sealed channel; never in the clear.',
    },
    tags: [...new Set(routes.map(({ mount }) => mount))].sort().map((name) => ({ name })),
    paths,
    components: { schemas: { Problem: ProblemSchema }, responses: { Problem: PROBLEM_RESPONSE } },
  };
}

function operationOf(route: DeclaredRoute, path: string): object {
  const { mount, method, schema, access, path: declared } = route;
  const parameters = [
    ...parametersOf('path', schema?.params, namesIn(declared)),
    ...parametersOf('query', schema?.querystring),
    ...parametersOf('header', schema?.headers),
  ];
  return {
    tags: [mount],
    operationId: [
      method.toLowerCase(),
      ...path
        .split(/[^A-Za-z0-9]+/)
        .slice(3)
        .filter(Boolean),
    ].join('_'),
    'x-aico-access': access,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(schema?.body === undefined
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: schema.body } } } }),
    responses: { ...(route.isWebSocket ? WEB_SOCKET : responsesOf(schema?.response)), default: PROBLEM },
  };
}

function responsesOf(response: unknown): Record<string, unknown> {
  // A route without a response schema may reply with anything.
  if (!isSchema(response))
    return { '2XX': { description: 'Done.', content: { 'application/json': { schema: {} } } } };
  return Object.fromEntries(
    Object.entries(response).map(([status, schema]) => [status.toUpperCase(), responseOf(schema)]),
  );
}

function responseOf(schema: unknown): object {
  if (schema === ProblemSchema) return PROBLEM;
  const { description = 'Done.', content, type }: Schema = isSchema(schema) ? schema : {};
  if (isSchema(content)) return { description, content };
  return { description, ...(type === 'null' ? {} : { content: { 'application/json': { schema } } }) };
}

function parametersOf(place: Parameter['in'], schema: unknown, others: readonly string[] = []): Parameter[] {
  const properties = isSchema(schema) && isSchema(schema.properties) ? schema.properties : {};
  const required = isSchema(schema) && Array.isArray(schema.required) ? schema.required : [];
  const known = Object.entries(properties).map(([name, each]) => ({
    name,
    in: place,
    // A parameter with a default may be omitted.
    required: place === 'path' || (required.includes(name) && !(isSchema(each) && 'default' in each)),
    schema: each,
    ...(isSchema(each) && typeof each.description === 'string' ? { description: each.description } : {}),
  }));
  const rest = others
    .filter((name) => !(name in properties))
    .map((name) => ({ name, in: place, required: true, schema: { type: 'string' } }));
  return [...known, ...rest];
}

/** `/notes/:id` as `/notes/{id}`. */
function templateOf(path: string): string {
  const template = path.replace(/:([A-Za-z0-9_]+)(?:\([^)]*\))?\??/g, '{$1}').replace(/\*$/, '{rest}');
  return template.length > 1 && template.endsWith('/') ? template.slice(0, -1) : template;
}

function namesIn(path: string): readonly string[] {
  return [...templateOf(path).matchAll(/\{([^}]+)\}/g)].flatMap(([, name]) => name ?? []);
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
