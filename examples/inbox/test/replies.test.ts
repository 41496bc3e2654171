/** Compares the replies of the inbox's routes with their description in the OpenAPI document. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createTestBackend, strictIssues } from '@aico/backend/testing';
import { connectLocal } from '@aico/client/local';
import { joinFrames } from '../src/frames.ts';

type Responses = Readonly<
  Record<string, { readonly content: Readonly<Record<string, { readonly schema: object }>> }>
>;

const CALLS: Readonly<Record<string, string>> = {
  '/api/v1/inbox/messages': '/api/v1/inbox/messages?limit=1',
  '/api/v1/inbox/messages/{id}': '/api/v1/inbox/messages/1',
  '/api/v1/inbox/search': '/api/v1/inbox/search?q=hello',
  '/api/v1/inbox/stats': '/api/v1/inbox/stats',
};

test('the reply of each route matches its schema in every field', async () => {
  await using backend = await createTestBackend({ plugins: [fileURLToPath(new URL('..', import.meta.url))] });
  const document = (await backend.request('/api/v1/openapi')).json() as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly responses: Responses }>>>>;
  };
  const said = (path: string, method: string, mediaType = 'application/json'): object | undefined =>
    document.paths[path]?.[method]?.responses['200']?.content[mediaType]?.schema;
  const mail = Buffer.from(
    'From: a@example.org\nMessage-ID: <1@x>\nDate: 22 Aug 2002 12:00:00 +0000\nSubject: hello\n\nhello\n',
  );
  await using client = connectLocal({ socketPath: backend.socket });
  const imported = await client.json('/api/v1/inbox/import', {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: joinFrames([mail, mail, Buffer.alloc(0)]),
  });
  assert.deepEqual(strictIssues(said('/api/v1/inbox/import', 'post'), imported), []);
  for (const [path, call] of Object.entries(CALLS))
    assert.deepEqual(strictIssues(said(path, 'get'), await client.json(call)), [], path);
  const raw = '/api/v1/inbox/messages/{id}/raw';
  assert.ok(said(raw, 'get', 'message/rfc822'));
  const known = [...Object.keys(CALLS), raw, '/api/v1/inbox/import'];
  const served = Object.keys(document.paths).filter((path) => path.startsWith('/api/v1/inbox/'));
  assert.deepEqual(served.sort(), known.sort());
});
