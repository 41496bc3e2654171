import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { createTestBackend, createTestHome } from '@aico/backend/testing';

test('a stopped backend releases its home once: a later stop() does not affect the next backend', async (t) => {
  const home = await createTestHome();
  t.after(() => home.remove());
  const first = await createTestBackend({ home: home.folder });
  await first.lifecycle.stop('test');
  const second = await createTestBackend({ home: home.folder });
  t.after(() => second.stop());
  assert.ok(existsSync(second.paths.instanceFile));
  await first.stop();
  assert.ok(existsSync(second.paths.instanceFile));
  await assert.rejects(createTestBackend({ home: home.folder }), { code: 'AICO_INSTANCE_RUNNING' });
});
