import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

/** Exports of Node's file system modules that only read. */
const READING = new Set([
  ...['access', 'accessSync', 'constants', 'createReadStream', 'existsSync', 'lstat', 'lstatSync', 'opendir'],
  ...['readFile', 'readFileSync', 'readdir', 'readdirSync', 'readlink', 'realpath', 'realpathSync', 'stat'],
  ...['readlinkSync', 'statSync', 'statfs', 'statfsSync', 'watch', 'FSWatcher', 'FileHandle', 'Stats'],
  ...['readSync', 'closeSync', 'fstatSync', 'globSync'],
]);

/** The exceptions: files with the functions that they import, and the reason why a power loss does not matter there. */
const EXCEPTIONS: Readonly<Record<string, { readonly names: readonly string[]; readonly why: string }>> = {
  'packages/shared/src/data/engine/commit-counter.ts': {
    names: ['openSync', 'writeSync', 'fsyncSync'],
    why: 'rewrites one of two records in place after each commit; a torn one is detected and the other counts',
  },
  'packages/shared/src/core/system-errors/find-fault.ts': {
    names: ['openSync', 'writeSync', 'fsyncSync', 'rmSync'],
    why: 'writes a sample to find out what is wrong with the disk, and removes it',
  },
  'packages/shared/src/data/audit/pending-events.ts': {
    names: ['appendFile'],
    why: 'appends lines, and syncs the file and its folder; an incomplete last line is counted as damaged',
  },
  'packages/backend/src/gateway/listener.ts': { names: ['chmod', 'rm'], why: 'a socket' },
  'packages/backend/src/bus/broker/broker-socket.ts': { names: ['chmod'], why: 'a socket' },
  'packages/backend/src/instance/instance-lock.ts': {
    names: ['chmodSync', 'openSync'],
    why: 'an empty lock file',
  },
  'packages/backend/src/backend.ts': {
    names: ['rm'],
    why: 'the instance file of a backend that has stopped, which speaks of a process that is gone either way',
  },
  'packages/backend/src/run-backend.ts': {
    names: ['rmSync'],
    why: 'the instance file, as the process leaves',
  },
  'packages/cli/src/plugins/scaffold.ts': {
    names: ['mkdir', 'rename', 'rm', 'rmdir', 'writeFile'],
    why: 'the new package of an author, whose files are his and not private, and which can be made again',
  },
  'packages/cli/src/launcher/compile-cache.js': { names: ['mkdirSync'], why: 'a cache' },
};

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../../../..');
const IMPORT = /import\s+(type\s+)?([^;]*?)\s+from\s+'node:fs(?:\/promises)?'/g;
const DESTRUCTURED = /\{([^{}]*)\} = await import\('node:fs(?:\/promises)?'\)/g;
const OTHER_WAYS =
  /\b(?:require|import|getBuiltinModule)\(\s*['"](?:node:)?fs(?:\/promises)?['"]\s*\)|from '(?:fs|fs\/promises)'|from '(?:fs-extra|graceful-fs|write-file-atomic)'/;

/** The functions that `source` imports and that may change a file; for imports that cannot be analysed, a description. */
function writersIn(source: string): readonly string[] {
  const found: string[] = [];
  for (const [, isType, clause = ''] of source.matchAll(IMPORT)) {
    if (isType !== undefined) continue;
    const named = /^\{([\s\S]*)\}$/.exec(clause.trim());
    if (named === null) found.push(`the whole module (${clause.trim()})`);
    for (const part of named?.[1]?.split(',') ?? []) {
      const [name = ''] = part
        .trim()
        .replace(/^type\s+/, '')
        .split(/\s+as\s+/);
      if (name !== '' && !READING.has(name)) found.push(name);
    }
  }
  for (const [, clause = ''] of source.matchAll(DESTRUCTURED))
    for (const part of clause.split(',')) {
      const name = part.trim().split(/\s*:\s*/)[0] ?? '';
      if (name !== '' && !READING.has(name)) found.push(name);
    }
  if (OTHER_WAYS.test(source.replaceAll(DESTRUCTURED, ''))) found.push('the whole module, at run time');
  return found;
}

function sources(): readonly string[] {
  return globSync(['packages/*/src/**/*.{ts,js}', 'packages/*/bin/*.js'], { cwd: ROOT })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => !/\.test\.ts$|\/(?:test|fixture)-[^/]*\.ts$|\/(?:testing|fixtures)\//.test(file))
    .filter((file) => !file.startsWith('packages/shared/src/core/paths/'))
    .sort();
}

describe('files are changed by core/paths alone', () => {
  test('no other source imports a function of Node that writes, renames or removes files', () => {
    const wrong: string[] = [];
    const files = sources();
    assert.ok(files.length > 300, `only ${files.length} sources were found`);
    for (const file of files) {
      const allowed = EXCEPTIONS[file]?.names ?? [];
      const writers = writersIn(readFileSync(path.join(ROOT, file), 'utf8'));
      const strange = writers.filter((name) => !allowed.includes(name));
      if (strange.length > 0) wrong.push(`${file}: ${strange.join(', ')}`);
    }
    assert.deepEqual(wrong, [], 'use the functions of @aico/shared/core/paths, which are durable');
  });

  test('every listed exception is still needed', () => {
    for (const [file, { names }] of Object.entries(EXCEPTIONS)) {
      const writers = writersIn(readFileSync(path.join(ROOT, file), 'utf8'));
      assert.ok(
        names.some((name) => writers.includes(name)),
        `${file} changes no file any more`,
      );
    }
  });

  test('every way of importing a writing function is detected', () => {
    for (const source of [
      "import { writeFile } from 'node:fs/promises';",
      "import {\n  readFile,\n  rename as moved,\n} from 'node:fs/promises';",
      "import fs from 'node:fs';",
      "import * as fs from 'node:fs/promises';",
      "const { writeFile } = await import('node:fs/promises');",
      "const fs = process.getBuiltinModule('fs');",
      "import { open } from 'node:fs/promises';",
      "import { createWriteStream } from 'node:fs';",
      "import { writeFile } from 'fs/promises';",
    ])
      assert.notDeepEqual(writersIn(source), [], source);
    for (const source of [
      "import { readFile, stat } from 'node:fs/promises';",
      "import type { WriteStream } from 'node:fs';",
      "import { type FSWatcher, watch } from 'node:fs';",
      "const { readFile } = await import('node:fs/promises');",
    ])
      assert.deepEqual(writersIn(source), [], source);
  });
});
