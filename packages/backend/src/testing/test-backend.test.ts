import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { definePlugin, Type } from '../plugin.ts';
import { createTestBackend } from './test-backend.ts';

const greeter = definePlugin({
  name: 'greeter',
  version: '1.0.0',
  description: 'Greets',
  dependencies: ['gateway'],
  config: Type.Object({ greeting: Type.String({ default: 'hello' }) }),
  async start(plugin) {
    await plugin.addRoutes((app) => {
      app.get('/', { config: { access: 'public' } }, () => ({ greeting: plugin.config.greeting }));
    });
  },
});

test('a plugin is given as a definition, is configured and serves; the home is removed with the backend', async () => {
  let home: string;
  {
    await using backend = await createTestBackend({
      plugins: [greeter, greeter],
      config: { 'plugins.greeter.greeting': 'good day' },
    });
    home = backend.home;
    const reply = await backend.request('/api/v1/greeter');
    assert.deepEqual([reply.status, reply.json()], [200, { greeting: 'good day' }]);
    assert.ok(existsSync(home));
  }
  assert.ok(!existsSync(home));
});

test('a definition is checked like a loaded one, and a name can be used once', async () => {
  await assert.rejects(createTestBackend({ plugins: [{ ...greeter, name: 'Not A Name' }] }), {
    code: 'AICO_PLUGIN_SHAPE',
  });
  await assert.rejects(createTestBackend({ plugins: [greeter, { ...greeter, version: '2.0.0' }] }), {
    code: 'AICO_PLUGIN_NAME_TAKEN',
  });
});
