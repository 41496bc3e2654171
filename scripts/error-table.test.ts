import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { type ErrorTraits, ExitCode } from '@aico/protocol';
import { errorEntries, sourceFiles } from './error-table.ts';

/** The declarations that modules make when they are loaded, by code. */
async function declared(): Promise<ReadonlyMap<string, ErrorTraits>> {
  const found = new Map<string, ErrorTraits>();
  const files = sourceFiles().filter((file) => /extends defineError\(\{/.test(readFileSync(file, 'utf8')));
  for (const file of files.filter((each) => !each.endsWith('aico-error.ts'))) {
    const module: Record<string, unknown> = await import(pathToFileURL(path.resolve(file)).href);
    for (const each of Object.values(module))
      if (typeof each === 'function' && 'declaration' in each) {
        const traits = each.declaration as ErrorTraits;
        found.set(traits.code, traits);
      }
  }
  return found;
}

test('the table read from the sources agrees with what the classes declare', async () => {
  const entries = new Map(errorEntries().map((entry) => [entry.code, entry]));
  const classes = await declared();
  assert.ok(classes.size > 200);
  for (const [code, { status, exit = 'failure', hint }] of classes) {
    const entry = entries.get(code);
    assert.ok(entry, code);
    assert.equal(entry.exitCode, ExitCode[exit], code);
    if (status !== undefined) assert.deepEqual(entry.statuses, [status], code);
    if (hint !== undefined) assert.equal(entry.hint, hint, code);
    assert.match(entry.what, /^[A-Z`].*\.$/, `the comment above ${code} is not a sentence`);
  }
});

test('errors are declared in files called errors.ts, one for each room', () => {
  for (const { file, code } of errorEntries())
    assert.match(path.basename(file), /^(?:errors|limit-errors|conditions)\.ts$/, `${code} in ${file}`);
});
