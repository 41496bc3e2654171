import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createTestBackend, pluginSuite, type TestBackend } from '@aico/backend/testing';

const PLUGIN = path.join(import.meta.dirname, '..');
const NAME = 'sample-plugin';
const NOTES = `/api/v1/${NAME}`;

interface Page {
  readonly notes: readonly { readonly id: number; readonly text: string; readonly words: number | null }[];
}

// Tests that every plugin should pass: it starts again after a stop, leaves nothing open and survives faults.
pluginSuite(PLUGIN, {
  use: (backend) => backend.request(NOTES, { method: 'POST', body: { text: 'a note' } }),
});

describe('the plugin in a whole backend', () => {
  let backend: TestBackend;
  before(async () => {
    backend = await createTestBackend({ plugins: [PLUGIN], config: { [`plugins.${NAME}.longest`]: 20 } });
  });
  after(() => backend.stop());

  test('a note is stored once for each key, and its words are counted', async () => {
    const request = {
      method: 'POST',
      body: { text: 'a note of words' },
      headers: { 'idempotency-key': 'the-first-note' },
    };
    const added = await backend.request(NOTES, request);
    assert.equal(added.status, 200, added.text);
    assert.equal((await backend.request(NOTES, request)).text, added.text);
    await backend.whenIdle();
    assert.deepEqual(await page(), { notes: [{ id: 1, text: 'a note of words', words: 4 }] });
  });

  test('a note that is longer than the configuration allows is refused', async () => {
    const refused = await backend.request(NOTES, { method: 'POST', body: { text: 'x'.repeat(21) } });
    assert.equal(refused.status, 400);
  });

  test('its health check is part of the health report', async () => {
    const { checks } = (await backend.request('/api/v1/health')).json() as {
      readonly checks: Readonly<Record<string, { readonly status: string }>>;
    };
    assert.equal(checks[NAME]?.status, 'healthy');
  });

  async function page(): Promise<Page> {
    const reply = await backend.request(NOTES);
    assert.equal(reply.status, 200, reply.text);
    return reply.json() as Page;
  }
});
