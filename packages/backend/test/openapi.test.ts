import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestBackend, localRequest } from '@aico/backend/testing';

test('the OpenAPI document has every present route and no removed ones; the page exists in development only', async (t) => {
  const backend = await createTestBackend();
  t.after(() => backend.stop());
  const document = async () =>
    (await localRequest(backend.socket, '/api/v1/openapi')).json() as { readonly paths: object };
  const unmount = await backend.container
    .getService('gateway')
    .mount('notes', (app) => void app.get('/', { config: { access: 'notes:read' } }, () => []));
  const { paths } = await document();
  for (const path of ['/api/v1/notes', '/api/v1/health', '/api/v1/security/unlock', '/api/v1/logs/stream'])
    assert.ok(path in paths, path);
  await unmount();
  assert.equal('/api/v1/notes' in (await document()).paths, false);
  assert.equal((await localRequest(backend.socket, '/api/v1/openapi/page')).status, 404);
  const open = await createTestBackend({ config: { environment: 'development' } });
  t.after(() => open.stop());
  const page = await localRequest(open.socket, '/api/v1/openapi/page');
  assert.match(page.text, /AICO API/);
  assert.match(String(page.headers['content-security-policy']), /default-src 'none'/);
});
