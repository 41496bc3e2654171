import { spawnSync } from 'node:child_process';
import { copyFileSync, globSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { compileSources, packedName, reachableFiles } from './compile.ts';
import {
  type ExportTarget,
  type Manifest,
  ROOT,
  type WorkspacePackage,
  workspacePackages,
} from './workspace.ts';

const OUTPUT = path.join(ROOT, 'dist');

/**
 * Packs every package as it would be published, into dist/: compiled JavaScript, declarations, source maps, licence and README.
 *
 * @returns the tarballs
 */
export function packAll(): readonly string[] {
  rmSync(OUTPUT, { recursive: true, force: true });
  const packages = workspacePackages();
  const compiled = path.join(OUTPUT, 'compiled');
  compileSources(compiled, packages);
  const folders = packages.map((each) => stage(each, compiled));
  const { status, stderr } = spawnSync('npm', ['pack', '--pack-destination', OUTPUT, ...folders], {
    cwd: OUTPUT,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  if (status !== 0) throw new Error(`npm pack failed:\n${stderr}`);
  return globSync('*.tgz', { cwd: OUTPUT })
    .sort()
    .map((name) => path.join(OUTPUT, name));
}

/** Puts the files of a package together. @returns the folder */
function stage(each: WorkspacePackage, compiled: string): string {
  const folder = path.join(OUTPUT, path.basename(each.folder));
  for (const [name, content] of reachableFiles(each, compiled)) {
    const place = path.join(folder, name);
    mkdirSync(path.dirname(place), { recursive: true });
    writeFileSync(place, content, { mode: name.startsWith('bin/') ? 0o755 : 0o644 });
  }
  writeFileSync(
    path.join(folder, 'package.json'),
    `${JSON.stringify(packedManifest(each.manifest), null, 2)}\n`,
  );
  copyFileSync(path.join(ROOT, 'LICENSE'), path.join(folder, 'LICENSE'));
  copyFileSync(path.join(each.folder, 'README.md'), path.join(folder, 'README.md'));
  return folder;
}

function packedManifest({ name, version, license, ...rest }: Manifest): object {
  const { description, exports = {}, bin, dependencies, optionalDependencies } = rest;
  return {
    name,
    version,
    description,
    license,
    type: 'module',
    engines: { node: '>=24' },
    exports: packedTarget(exports),
    // No module works at its import; only a command does.
    ...(bin === undefined ? { sideEffects: false } : { bin }),
    files: ['dist', ...(bin === undefined ? [] : ['bin'])],
    dependencies,
    ...(optionalDependencies === undefined ? {} : { optionalDependencies }),
  };
}

/** A target with its declarations. */
function packedTarget(target: ExportTarget): ExportTarget {
  if (typeof target !== 'string')
    return Object.fromEntries(Object.entries(target).map(([key, value]) => [key, packedTarget(value)]));
  const file = `./${packedName(target)}`;
  return { types: file.replace(/\.js$/, '.d.ts'), default: file };
}

if (import.meta.main) {
  for (const tarball of packAll()) process.stdout.write(`${path.relative(process.cwd(), tarball)}\n`);
}
