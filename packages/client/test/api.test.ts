import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { createTestBackend, localRequest } from '@aico/backend/testing';
import { ask, type ReplyOf } from '@aico/client/ask';
import { type Client, connectLocal } from '@aico/client/local';
import { describeApi } from './fixtures/describe-api.ts';

const core = new URL('../src/core/', import.meta.url);

test("types and shapes of the backend's routes match the document it serves: node scripts/generate-api.ts", async () => {
  const { types, shapes } = await describeApi();
  assert.equal(types, await readFile(new URL('api.ts', core), 'utf8'));
  assert.equal(shapes, await readFile(new URL('reply-shapes.json', core), 'utf8'));
});

/** Compiles only if both types are identical; `any` and `unknown` are identical to themselves only. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : never;

test('client.api and ask() return the type that the route declares', async (t) => {
  const backend = await createTestBackend();
  t.after(() => backend.stop());
  const client: Client = connectLocal({ socketPath: backend.socket });
  t.after(() => client.close());

  const { data } = await client.api.GET('/api/v1/system/status');
  assert.equal(data?.pid, process.pid);
  true satisfies Same<NonNullable<typeof data>['pid'], number>;
  const [service] = data.report.services;
  true satisfies Same<NonNullable<typeof service>['waitedOn'], string | undefined>;
  // @ts-expect-error a field that the route does not name
  assert.equal(data.nothing, undefined);

  const status = await ask(client, 'get', '/api/v1/system/status', {});
  true satisfies Same<typeof status, NonNullable<typeof data>>;
  true satisfies Same<ReplyOf<'delete', '/api/v1/devices/{id}'>, undefined>;
  const found = await ask(client, 'post', '/api/v1/database/query', {
    body: { sql: 'SELECT 1 AS a', limit: 5 },
  });
  assert.deepEqual(found, { columns: ['a'], rows: [[1]], truncated: false });
  const { deadLetters } = await ask(client, 'get', '/api/v1/streams/dead-letters', { query: { limit: 3 } });
  assert.deepEqual(deadLetters, []);
  // @ts-expect-error a body is wanted
  await assert.rejects(ask(client, 'post', '/api/v1/database/query', {}), {
    code: 'AICO_GATEWAY_REQUEST_INVALID',
  });
  await assert.rejects(
    ask(client, 'delete', '/api/v1/bus/grants/{component}', { path: { component: 'a/b' } }),
    {
      code: 'AICO_BUS_GRANT_UNKNOWN',
    },
  );
  assert.equal((await localRequest(backend.socket, '/api/v1/bus/grants')).status, 200);
});
