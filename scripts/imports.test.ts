/**
 * Imports run one way: they form no circle, no file of a folder imports a file above the folder that itself imports from the
 * folder, and the rooms of each package import each other as docs/architecture.md draws them.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  folderBelow,
  type ImportGraph,
  importGraph,
  importsOf,
  packagesOf,
  reachable,
} from './import-graph.ts';
import { filesOf, workspacePackages } from './pack/workspace.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const whole = importGraph(ROOT);
/** The sources that are shipped. */
const graph: ImportGraph = new Map([...whole].filter(([file]) => !file.endsWith('.test.ts')));

/** Every import of a file by another, as text, that `isRefused` refuses. */
function refused(from: ImportGraph, isRefused: (file: string, imported: string) => boolean): string[] {
  return [...from].flatMap(([file, imports]) =>
    imports.filter((each) => isRefused(file, each)).map((each) => `${file} -> ${each}`),
  );
}

const inCircle = (from: ImportGraph) =>
  refused(from, (file, imported) => imported === file || reachable(from, imported).has(file));

const upward = (from: ImportGraph) =>
  refused(from, (file, imported) => {
    const above = path.posix.dirname(imported);
    const folder = folderBelow(above, file);
    if (folder === undefined) return false;
    return [...reachable(from, imported)].some((each) => folderBelow(above, each) === folder);
  });

describe('imports', () => {
  test('of more than a hundred files are checked', () => {
    assert.ok(graph.size > 300 && [...graph.values()].flat().length > 1_000);
  });

  test('have no circle', () => assert.deepEqual(inCircle(graph), []));

  test('lead from no file of a folder to a file above that imports the folder', () =>
    assert.deepEqual(upward(graph), []));

  test('in circles and upward are detected', () => {
    const bad = new Map([
      ['a/x.ts', ['a/b/y.ts']],
      ['a/b/y.ts', ['a/b/z.ts']],
      ['a/b/z.ts', ['a/x.ts']],
      ['a/b/w.ts', ['a/x.ts']],
    ]);
    assert.deepEqual(inCircle(bad), ['a/x.ts -> a/b/y.ts', 'a/b/y.ts -> a/b/z.ts', 'a/b/z.ts -> a/x.ts']);
    assert.deepEqual(upward(bad), ['a/b/z.ts -> a/x.ts', 'a/b/w.ts -> a/x.ts']);
  });
});

test('every file in a src folder is reached from an export or a command of its package: tests keep their fixtures in test/fixtures', () => {
  const entries = workspacePackages().flatMap(({ folder, manifest }) => {
    const inPackage = (file: string): string =>
      path.posix.join('packages', path.basename(folder), path.posix.normalize(file));
    const commands = filesOf(manifest.bin).flatMap((file) => importsOf(ROOT, inPackage(file)));
    return [...filesOf(manifest.exports).map(inPackage), ...commands];
  });
  const reached = new Set(entries.flatMap((entry) => [entry, ...reachable(graph, entry)]));
  const unreached = [...graph.keys()].filter((file) => !reached.has(file) && !file.endsWith('.d.ts'));
  assert.ok(entries.length > 20 && reached.size > 300);
  assert.deepEqual(unreached, []);
});

/** A line of the picture: a folder, and its rooms in groups. A room imports rooms of the groups before its own. */
interface Drawn {
  readonly folder: string;
  readonly groups: readonly (readonly string[])[];
}

function picture(): readonly Drawn[] {
  const text = readFileSync(path.join(ROOT, 'docs/architecture.md'), 'utf8');
  const [, block = ''] = /<!-- rooms -->\n```\n([\s\S]*?)```/.exec(text) ?? [];
  return [...block.matchAll(/^([\w/-]+): +(.+)$/gm)].map(([, name = '', rooms = '']) => {
    const [pkg, ...below] = name.split('/');
    return {
      folder: ['packages', pkg, 'src', ...below].join('/'),
      groups: rooms.split('<-').map((group) => group.split(',').map((room) => room.trim())),
    };
  });
}

describe('the picture in docs/architecture.md', () => {
  const drawn = picture();

  test('has a line for every package', () => {
    for (const name of readdirSync(path.join(ROOT, 'packages')))
      assert.ok(
        drawn.some(({ folder }) => folder === `packages/${name}/src`),
        name,
      );
  });

  for (const { folder, groups } of drawn) {
    test(`names every room of ${folder}, and no other`, () => {
      const rooms = readdirSync(path.join(ROOT, folder), { withFileTypes: true }).filter((each) =>
        each.isDirectory(),
      );
      assert.deepEqual(groups.flat().sort(), rooms.map(({ name }) => name).sort());
    });

    test(`draws the imports between the rooms of ${folder}`, () => {
      const rank = (file: string): number => {
        const room = folderBelow(folder, file);
        return room === undefined ? -1 : groups.findIndex((group) => group.includes(room));
      };
      const wrong = refused(graph, (file, imported) => {
        const [from, to] = [rank(file), rank(imported)];
        const isSameRoom = folderBelow(folder, file) === folderBelow(folder, imported);
        return from >= 0 && to >= 0 && !isSameRoom && to >= from;
      });
      assert.deepEqual(wrong, []);
    });
  }

  const allowed: Readonly<Record<string, readonly string[]>> = {
    protocol: [],
    shared: ['protocol'],
    client: ['protocol'],
    backend: ['protocol', 'shared'],
    ui: ['client', 'protocol'],
    cli: ['backend', 'client', 'protocol', 'shared', 'ui'],
  };

  test('matches the dependencies of the packages', () => {
    for (const [name, expected] of Object.entries(allowed)) {
      const file = path.join(ROOT, 'packages', name, 'package.json');
      assert.ok(existsSync(file));
      const { dependencies = {} } = JSON.parse(readFileSync(file, 'utf8')) as {
        dependencies?: Record<string, string>;
      };
      const own = Object.keys(dependencies).flatMap((each) => /^@aico\/(.+)$/.exec(each)?.[1] ?? []);
      assert.deepEqual(own.sort(), expected, name);
    }
  });

  test('lists every package that a source imports, and no source imports its own by name', () => {
    const wrong = [...whole.keys()].flatMap((file) => {
      const [, own = ''] = file.split('/');
      return packagesOf(ROOT, file)
        .filter((each) => !allowed[own]?.includes(each))
        .map((each) => `${file} -> @aico/${each}`);
    });
    assert.deepEqual(wrong, []);
    assert.ok(packagesOf(ROOT, 'packages/backend/src/backend.ts').includes('shared'));
  });
});
