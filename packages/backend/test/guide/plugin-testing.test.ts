import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ServiceContainer } from '@aico/backend';
import { standIn } from '@aico/backend/testing';
import { registerMyPlugin } from './registration.ts';

test('MyPlugin starts with stand-ins for what it depends on', async () => {
  const container = new ServiceContainer();
  container.registerInstance('config', standIn('config', { get: () => ({ test: 'value' }) }));
  container.registerInstance('database', standIn('database', {}));
  registerMyPlugin(container);
  await container.start();
  assert.equal(container.stateOf('my_plugin').kind, 'running');
  // A member that the stand-in lacks is an error that names it.
  assert.throws(() => container.getService('my_plugin').dbConnection?.execute('SELECT 1'), /no "execute"/);
  await container.stop();
});
