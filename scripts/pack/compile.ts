import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { filesOf, ROOT, type WorkspacePackage } from './workspace.ts';

/** Files of one package, by their path in its folder, as they are packed: `dist/index.js`, `bin/aico.js`. */
export type PackedFiles = ReadonlyMap<string, string>;

/**
 * A file named relative to the one that names it: in an import or export, which the compiler begins at the start of a line, or in
 * the URL of a worker or a process.
 */
const REFERENCE =
  /(?:^(?:import|export|\})[^'"\n]*\bfrom\s*|^import\s*|\bimport\(\s*|\bnew URL\(\s*)(['"])(\.{1,2}\/[^'"\n]+\.(?:ts|js|json))\1/gm;

/** Compiles the sources of every package to `folder`, with declarations and source maps. */
export function compileSources(folder: string, packages: readonly WorkspacePackage[]): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const config = path.join(folder, 'tsconfig.json');
  const options = {
    extends: path.join(ROOT, 'tsconfig.json'),
    compilerOptions: {
      noEmit: false,
      rewriteRelativeImportExtensions: true,
      declaration: true,
      sourceMap: true,
      inlineSources: true,
      stripInternal: true,
      rootDir: ROOT,
      outDir: folder,
    },
    include: packages.map((each) => path.join(each.folder, 'src')),
    exclude: ['**/*.test.ts'],
  };
  writeFileSync(config, JSON.stringify(options));
  const tsc = path.join(ROOT, 'node_modules/typescript/bin/tsc');
  const { status, stdout } = spawnSync(process.execPath, [tsc, '--project', config], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the sources do not compile:\n${stdout}`);
}

/**
 * The files of a package that its exports and commands reach, by imports and by the URLs of workers. So tests, and what they
 * use, are left out wherever they lie.
 */
export function reachableFiles({ folder, manifest }: WorkspacePackage, compiled: string): PackedFiles {
  const output = path.join(compiled, path.relative(ROOT, folder));
  const files = new Map<string, string>();
  const waiting = [...filesOf(manifest.exports), ...filesOf(manifest.bin)].map((file) => packedName(file));
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (files.has(name)) continue;
    const content = contentOf(name, folder, output);
    files.set(name, content);
    waiting.push(...referencesIn(content, name));
    const stem = name.replace(/\.js$/, '');
    for (const beside of [`${stem}.d.ts`, `${stem}.js.map`]) {
      const source = path.join(output, unpackedName(beside));
      if (stem === name || files.has(beside) || !existsSync(source)) continue;
      const text = readFileSync(source, 'utf8');
      const isDeclaration = beside.endsWith('.d.ts');
      files.set(beside, isDeclaration ? asPacked(text) : text);
      if (isDeclaration) waiting.push(...referencesIn(asPacked(text), beside));
    }
  }
  return files;
}

/** Where a file of the sources lies in the package, as JavaScript. */
export function packedName(source: string): string {
  return path.posix
    .normalize(source)
    .replace(/^src\//, 'dist/')
    .replace(/\.ts$/, '.js');
}

function unpackedName(name: string): string {
  return name.replace(/^dist\//, 'src/');
}

/** The compiled file; where the source is JavaScript or JSON already, the source. */
function contentOf(name: string, folder: string, output: string): string {
  const place = [output, folder].map((base) => path.join(base, unpackedName(name))).find(existsSync);
  if (place === undefined)
    throw new Error(`${folder} refers to ${name}, which is neither compiled nor there`);
  const text = readFileSync(place, 'utf8');
  return name.endsWith('.json') ? text : asPacked(text);
}

/** Relative references lead to compiled files; from outside the sources, to where these lie in the package. */
function asPacked(text: string): string {
  return text.replaceAll(REFERENCE, (reference, _quote, target: string) =>
    reference.replace(target, target.replace(/\/src\//, '/dist/').replace(/(?<!\.d)\.ts$/, '.js')),
  );
}

function referencesIn(text: string, from: string): readonly string[] {
  return [...text.matchAll(REFERENCE)]
    .map(([, , target = '']) => path.posix.join(path.posix.dirname(from), target))
    .filter((name) => name !== 'package.json');
}
