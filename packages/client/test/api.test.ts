import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { describeApi } from './fixtures/describe-api.ts';

test("the types of the backend's routes are those of the document it serves: node scripts/generate-api.ts", async () => {
  const written = await readFile(new URL('../src/core/api.ts', import.meta.url), 'utf8');
  assert.equal(await describeApi(), written);
});
