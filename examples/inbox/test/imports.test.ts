import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

test('of the packages of the project, the inbox imports only @aico/backend/plugin', () => {
  const folder = path.join(import.meta.dirname, '../src');
  const sources = globSync('**/*.ts', { cwd: folder }).filter((file) => !file.endsWith('.test.ts'));
  assert.ok(sources.length > 10);
  const imported = sources.flatMap((file) =>
    [
      ...readFileSync(path.join(folder, file), 'utf8').matchAll(
        /(?:from|import\()\s*'(@aico\/[^']+|\.\.\/\.\.\/[^']+)'/g,
      ),
    ].map(([, from]) => from),
  );
  assert.deepEqual([...new Set(imported)], ['@aico/backend/plugin']);
});
