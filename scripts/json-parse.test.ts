/**
 * The message of `JSON.parse` quotes the beginning of the text, which may be a diary or a key, and ends up in logs, replies and on
 * terminals. `parseJson` of `@aico/protocol` quotes none of it; the sources use it everywhere.
 */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

const ALLOWED: Readonly<Record<string, string>> = {
  'packages/protocol/src/exact-json.ts': 'is parseJson',
  'packages/backend/src/testing/local-request.ts': 'serves tests, whose texts are not private',
  'packages/shared/src/core/bus/transport-suite/transport-suite.ts': 'serves tests',
  'packages/shared/src/data/database-suite/value-tests.ts': 'serves tests',
};

test('no source calls JSON.parse, whose message quotes the text', () => {
  const sources = globSync('packages/*/src/**/*.{ts,tsx}').filter((file) => !file.endsWith('.test.ts'));
  assert.ok(sources.length > 100);
  const calling = sources.filter((file) =>
    /^(?!\s*(?:\*|\/\/)).*\bJSON\.parse\b/m.test(readFileSync(file, 'utf8')),
  );
  assert.deepEqual(calling.sort(), Object.keys(ALLOWED).sort());
});
