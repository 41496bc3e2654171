import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** The sources of the packages and the files that each imports, for its types or its values. Paths are relative to the root. */
export type ImportGraph = ReadonlyMap<string, readonly string[]>;

/** An import or export, or the URL of a worker or a process. */
const IMPORT = /(?:^(?:import|export)\b[^;]*?\bfrom |\bimport\(|\bnew URL\()'([^']+)'/gms;

/** Reads the graph of the sources, including the tests beside them. */
export function importGraph(root: string): ImportGraph {
  const files = globSync('packages/*/src/**/*.{ts,tsx}', { cwd: root });
  const known = new Set(files);
  return new Map(files.map((file) => [file, importsOf(root, file).filter((each) => known.has(each))]));
}

/** The files that `file` names in imports, and where it starts a worker or a process. */
export function importsOf(root: string, file: string): readonly string[] {
  return specifiersOf(root, file).flatMap((specifier) => targetOf(file, specifier));
}

/** The names of the workspace's packages that `file` imports from, without `@aico/`. */
export function packagesOf(root: string, file: string): readonly string[] {
  return specifiersOf(root, file).flatMap((specifier) => /^@aico\/([^/]+)/.exec(specifier)?.[1] ?? []);
}

function specifiersOf(root: string, file: string): readonly string[] {
  const found = readFileSync(path.join(root, file), 'utf8').matchAll(IMPORT);
  return [...found].map(([, specifier = '']) => specifier);
}

/** The file that a relative specifier names. */
function targetOf(file: string, specifier: string): readonly string[] {
  return specifier.startsWith('.') ? [path.posix.join(path.posix.dirname(file), specifier)] : [];
}

/** All direct and indirect imports of `file`. */
export function reachable(graph: ImportGraph, file: string): ReadonlySet<string> {
  const seen = new Set<string>();
  const waiting = [...(graph.get(file) ?? [])];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    waiting.push(...(graph.get(next) ?? []));
  }
  return seen;
}

/** The folder directly below `parent` that holds `file`; `undefined` for a file of the folder itself, or of another. */
export function folderBelow(parent: string, file: string): string | undefined {
  if (!file.startsWith(`${parent}/`)) return undefined;
  const [first, ...rest] = file.slice(parent.length + 1).split('/');
  return rest.length === 0 ? undefined : first;
}
