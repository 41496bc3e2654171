import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { buildPage } from '../../packages/ui/src/build-page.ts';
import { hasAddon } from './addons.ts';
import { bundle } from './bundle.ts';
import { compileDeclarations, declarationName, declarationsOf } from './declarations.ts';
import { licensesOf } from './licenses.ts';
import { packedName } from './together.ts';
import {
  type ExportTarget,
  type Manifest,
  ROOT,
  type WorkspacePackage,
  workspacePackages,
} from './workspace.ts';

const OUTPUT = path.join(ROOT, 'dist');

/** JavaScript that an older Node can run too, and that is therefore packed as it is. */
const LAUNCHER = 'src/launcher/*.js';

/**
 * Packs every package as it would be published, into dist/: bundled JavaScript, declarations, source maps, licences and README.
 *
 * @returns the tarballs
 */
export async function packAll(): Promise<readonly string[]> {
  rmSync(OUTPUT, { recursive: true, force: true });
  const packages = workspacePackages();
  const compiled = path.join(OUTPUT, 'compiled');
  compileDeclarations(compiled, packages);
  const folders = await Promise.all(
    packages.map((each) =>
      stage(each, path.join(OUTPUT, path.basename(each.folder)), declarationsOf(each, compiled)),
    ),
  );
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

/**
 * Puts every package into a folder as an installation has it, without declarations: TypeScript is compiled in a second, and
 * the command starts four times as fast as from the sources.
 *
 * @param folder within the workspace, whose installed libraries the packages use
 * @returns the file of the command
 */
export async function installInto(folder: string): Promise<string> {
  await Promise.all(
    workspacePackages().map((each) =>
      stage(each, path.join(folder, 'node_modules', each.manifest.name), new Map()),
    ),
  );
  return path.join(folder, 'node_modules/@aico/cli/bin/aico.js');
}

/** Puts the files of a package together in a folder. @returns the folder */
async function stage(
  each: WorkspacePackage,
  folder: string,
  declarations: ReadonlyMap<string, string>,
): Promise<string> {
  const { files, libraries: bundled } = await bundle(each);
  const page = each.manifest.name === '@aico/ui' ? await buildPage() : undefined;
  const libraries = [...bundled, ...(page?.libraries ?? [])];
  const named = [...declarations.values()].join('');
  const manifest = packedManifest(
    each.manifest,
    (dependency) =>
      !isBundled(dependency, libraries) || hasAddon(dependency) || named.includes(`'${dependency}`),
  );
  const packed = new Map<string, string | Uint8Array>([
    ...files,
    ...[...(page?.files ?? [])].map(([name, content]) => [`dist/files/${name}`, content] as const),
    ...declarations,
    ...launcherFiles(each.folder),
    ['package.json', `${JSON.stringify(manifest, null, 2)}\n`],
    ['LICENSE', readFileSync(path.join(ROOT, 'LICENSE'), 'utf8')],
    ['README.md', readFileSync(path.join(each.folder, 'README.md'), 'utf8')],
  ]);
  if (libraries.length > 0) packed.set('dist/LICENSES.txt', licensesOf(libraries));
  for (const [name, content] of packed) {
    const place = path.join(folder, name);
    mkdirSync(path.dirname(place), { recursive: true });
    writeFileSync(place, content, { mode: name.startsWith('bin/') ? 0o755 : 0o644 });
  }
  packTemplate(path.join(each.folder, 'template'), path.join(folder, 'template'));
  return folder;
}

/**
 * Copies the template of new plugins as it is. Its package.json has another name there, since a package has one package.json
 * that Node reads.
 */
function packTemplate(template: string, packed: string): void {
  if (!existsSync(template)) return;
  const made = ['node_modules', 'dist'].map((name) => path.join(template, name));
  cpSync(template, packed, { recursive: true, filter: (source) => !made.includes(source) });
  renameSync(path.join(packed, 'package.json'), path.join(packed, '_package.json'));
}

/** The command, and the files that it loads before it checks the version of Node. These files import the bundle of the command line by its path. */
function launcherFiles(folder: string): readonly (readonly [string, string])[] {
  return globSync(['bin/*.js', LAUNCHER], { cwd: folder }).map((name) => {
    const text = readFileSync(path.join(folder, name), 'utf8');
    const packed = text.replaceAll("'../src/", "'../dist/").replaceAll("/main.ts'", "/main.js'");
    return [name.replace(/^src\//, 'dist/'), packed];
  });
}

function isBundled(dependency: string, libraries: readonly string[]): boolean {
  return libraries.some((folder) => folder.replaceAll(path.sep, '/').endsWith(`node_modules/${dependency}`));
}

/** @param isNeeded whether a dependency must be installed: for its code, or for its types */
function packedManifest(
  { name, version, license, ...rest }: Manifest,
  isNeeded: (dependency: string) => boolean,
): object {
  const { description, exports = {}, bin, dependencies = {}, optionalDependencies } = rest;
  return {
    name,
    version,
    description,
    license,
    type: 'module',
    engines: { node: '>=24' },
    exports: packedTarget(name, exports),
    // No module works at its import; only a command does.
    ...(bin === undefined ? { sideEffects: false } : { bin }),
    files: ['dist', ...(bin === undefined ? [] : ['bin', 'template'])],
    dependencies: Object.fromEntries(Object.entries(dependencies).filter(([each]) => isNeeded(each))),
    ...(optionalDependencies === undefined ? {} : { optionalDependencies }),
  };
}

/** A target with its declarations. */
function packedTarget(packageName: string, target: ExportTarget): ExportTarget {
  if (typeof target !== 'string')
    return Object.fromEntries(
      Object.entries(target).map(([key, value]) => [key, packedTarget(packageName, value)]),
    );
  return { types: `./${declarationName(target)}`, default: `./${packedName(packageName, target)}` };
}

if (import.meta.main) {
  for (const tarball of await packAll()) process.stdout.write(`${path.relative(process.cwd(), tarball)}\n`);
}
