import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attackPage } from './fixtures/hostile-page.ts';
import { WITHOUT_BROWSER } from './fixtures/page.ts';

test('text in every field that a pane shows stays text: no script runs, the policy has nothing to refuse, the layout holds', {
  skip: WITHOUT_BROWSER,
}, async () => {
  assert.deepEqual(await attackPage({ count: 60, seed: 17 }), []);
});
