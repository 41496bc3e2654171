import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { filesOf, ROOT, type WorkspacePackage } from './workspace.ts';

/** A file that an import or export names relative to its own. */
const REFERENCE = /(?:\bfrom\s*|^import\s*|\bimport\(\s*)(['"])(\.{1,2}\/[^'"\n]+\.(?:ts|js))\1/gm;

/** Writes the declarations of every package below `folder`. */
export function compileDeclarations(folder: string, packages: readonly WorkspacePackage[]): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const config = path.join(folder, 'tsconfig.json');
  const options = {
    extends: path.join(ROOT, 'tsconfig.json'),
    compilerOptions: {
      noEmit: false,
      emitDeclarationOnly: true,
      // `npm run check` checks the types.
      noCheck: true,
      rewriteRelativeImportExtensions: true,
      declaration: true,
      stripInternal: true,
      rootDir: ROOT,
      outDir: folder,
    },
    include: packages.map((each) => path.join(each.folder, 'src')),
    exclude: ['**/*.test.ts', path.join(ROOT, 'packages/ui/src/page')],
  };
  writeFileSync(config, JSON.stringify(options));
  const tsc = path.join(ROOT, 'node_modules/typescript/bin/tsc');
  const { status, stdout } = spawnSync(process.execPath, [tsc, '--project', config], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the declarations cannot be written:\n${stdout}`);
}

/**
 * The declarations that the exports of a package reach, by their path in the package: `dist/data/index.d.ts`. Those of tests, and
 * of what only tests use, are left out wherever they lie.
 */
export function declarationsOf(
  { folder, manifest }: WorkspacePackage,
  compiled: string,
): Map<string, string> {
  const files = new Map<string, string>();
  const waiting = filesOf(manifest.exports).map(declarationName);
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (files.has(name)) continue;
    const source = path.join(compiled, path.relative(ROOT, folder), name.replace(/^dist\//, 'src/'));
    const text = readFileSync(source, 'utf8').replaceAll(REFERENCE, (reference, _quote, target: string) =>
      reference.replace(target, target.replace(/(?<!\.d)\.ts$/, '.js')),
    );
    files.set(name, text);
    for (const [, , target = ''] of text.matchAll(REFERENCE))
      waiting.push(path.posix.join(path.posix.dirname(name), target.replace(/\.js$/, '.d.ts')));
  }
  return files;
}

/** Where the declarations of a source lie in the package. */
export function declarationName(source: string): string {
  return path.posix
    .normalize(source)
    .replace(/^src\//, 'dist/')
    .replace(/\.ts$/, '.d.ts');
}
