import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

test('the pages of docs/api are those of the sources', () => {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/api-reference.ts'], {
    cwd: path.join(import.meta.dirname, '..'),
    encoding: 'utf8',
  });
  assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
});

test('an export without a comment and a page that is out of date are refused', (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'aico-reference-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const write = (file: string, text: string): void => {
    mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    writeFileSync(path.join(folder, file), text);
  };
  const run = (...options: readonly string[]) => {
    const script = path.join(import.meta.dirname, 'api-reference.ts');
    const { status, stderr } = spawnSync(process.execPath, [script, ...options, '@aico/tool'], {
      cwd: folder,
      encoding: 'utf8',
    });
    return { status, stderr };
  };
  const made = (comment: string): string =>
    `${comment}export class Tool {\n  #secret = 1;\n  /** Adds up. */\n  add(...numbers: number[]): number {\n    return numbers.length + this.#secret;\n  }\n}\n`;
  write('packages/tool/package.json', JSON.stringify({ exports: { '.': './src/index.ts' } }));
  write('packages/tool/src/index.ts', "export { Tool as Calculator } from './tool.ts';\n");
  write('packages/tool/src/tool.ts', made(''));
  assert.deepEqual(run('--write'), {
    status: 1,
    stderr: 'packages/tool/src/tool.ts: Calculator, which @aico/tool exports, has no comment\n',
  });
  write('packages/tool/src/tool.ts', made('/** Calculates. */\n'));
  assert.match(
    run().stderr,
    /^docs\/api\/tool\.md is out of date; run node scripts\/api-reference\.ts --write\n$/,
  );
  assert.deepEqual(run('--write'), { status: 0, stderr: '' });
  assert.equal(
    readFileSync(path.join(folder, 'docs/api/tool.md'), 'utf8').split('\n\n').slice(2).join('\n\n'),
    '## Calculator\n\nCalculates.\n\n```typescript\nclass Tool {\n  /** Adds up. */\n  add(...numbers: number[]): number;\n}\n```\n',
  );
});
