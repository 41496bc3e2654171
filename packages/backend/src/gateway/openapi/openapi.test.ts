import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Type } from 'typebox';
import type { DeclaredRoute } from './declared-routes.ts';
import { openApiDocument } from './document.ts';

const route: DeclaredRoute = {
  mount: 'notes',
  method: 'POST',
  path: '/api/v1/notes/:id/',
  access: 'notes:write',
  schema: {
    params: Type.Object({ id: Type.Integer() }),
    querystring: Type.Object({
      limit: Type.Integer({ default: 5, description: 'At most so many.' }),
      q: Type.String(),
    }),
    body: Type.Object({ text: Type.String() }),
    response: { 201: Type.Object({ id: Type.Integer() }) },
  },
};

describe('the OpenAPI document', () => {
  test('lists the parameters, replies and capabilities of a route', () => {
    const { paths, openapi, tags } = openApiDocument([route], '1.2.3');
    assert.deepEqual([openapi, tags], ['3.1.0', [{ name: 'notes' }]]);
    const operation = paths['/api/v1/notes/{id}']?.post as Record<string, never>;
    assert.equal(operation['x-aico-access'], 'notes:write');
    assert.equal(operation.operationId, 'post_notes_id');
    const parameters: { name: string; in: string; required: boolean }[] = operation.parameters ?? [];
    assert.deepEqual(
      parameters.map(({ name, in: place, required }) => [place, name, required]),
      [
        ['path', 'id', true],
        ['query', 'limit', false],
        ['query', 'q', true],
      ],
    );
    assert.deepEqual(Object.keys(operation.responses ?? {}), ['201', 'default']);
  });

  test('names a parameter that no schema names', () => {
    const { paths } = openApiDocument(
      [{ ...route, schema: undefined, method: 'GET', path: '/api/v1/a/:b' }],
      '1',
    );
    const operation = paths['/api/v1/a/{b}']?.get as { parameters: object[] };
    assert.deepEqual(operation.parameters, [
      { name: 'b', in: 'path', required: true, schema: { type: 'string' } },
    ]);
  });
});
