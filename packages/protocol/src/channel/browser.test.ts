import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

/** Every module that a file imports, except types. */
function imports(
  file: URL,
  seen: Map<string, readonly string[]> = new Map(),
): Map<string, readonly string[]> {
  if (seen.has(file.href)) return seen;
  const source = readFileSync(file, 'utf8');
  const found = [...source.matchAll(/^(?:import|export)(?! type)[^;]*? from '([^']+)'/gms)].map(
    ([, name = '']) => name,
  );
  seen.set(file.href, found);
  for (const name of found) if (name.startsWith('.')) imports(new URL(name, file), seen);
  return seen;
}

test('the protocol and its browser suite load no Node builtin and no addon', () => {
  for (const entry of ['./index.ts', './suites/noble-suite.ts']) {
    const graph = imports(new URL(entry, import.meta.url));
    const foreign = [...graph.values()].flat().filter((name) => !name.startsWith('.'));
    assert.deepEqual(
      foreign.filter((name) => !name.startsWith('@noble/')),
      [],
    );
    for (const file of graph.keys())
      assert.doesNotMatch(readFileSync(new URL(file), 'utf8'), /\b(?:Buffer|process)\b\.?[([.]/, file);
  }
  assert.ok(
    imports(new URL('./suites/sodium-suite.ts', import.meta.url)).size > 1,
    'the search finds imports',
  );
});
