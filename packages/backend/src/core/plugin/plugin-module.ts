import { readFile, realpath, stat } from 'node:fs/promises';
import { findPackageJSON } from 'node:module';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseJson } from '@aico/protocol';
import { isPathLike, resolveUserPath } from '@aico/shared/core/paths';
import { exports, legacy, type Package } from 'resolve.exports';
import { PluginImportError, PluginNotFoundError } from './errors.ts';

/** The location of a plugin. */
export interface PluginModule {
  readonly specifier: string;
  /** The file, or the folder of the package. */
  readonly path: string;
  readonly isFolder: boolean;
}

/** The members of a plugin's package.json that are read here. */
export interface PluginManifest extends Package {
  readonly version?: string;
  readonly description?: string;
  readonly keywords?: readonly string[];
  readonly engines?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** The package that a plugin belongs to. */
interface PluginPackage {
  readonly folder: string;
  readonly manifest: PluginManifest;
}

const ENTRIES = ['index.ts', 'index.js', 'src/index.ts', 'src/index.js'];

const LARGEST_MANIFEST_BYTES = 1024 * 1024;

/** The condition of `exports` for uncompiled sources: Node runs TypeScript outside of node_modules. */
const SOURCE = 'source';

/**
 * Finds a plugin without loading it.
 *
 * @param specifier a folder or file (`./examples/inbox`, `~/inbox`, absolute, or a `file:` URL), or an installed package's name
 * @param baseDir the folder against which relative paths and packages are resolved; a package that is not installed there
 *   is looked up beside the backend
 * @throws {PluginNotFoundError} when there is no such module, or no folder or file
 */
export async function findPlugin(specifier: string, baseDir: string): Promise<PluginModule> {
  const path = pathOf(specifier, baseDir);
  if (path === undefined) return { specifier, path: packageFolder(specifier, baseDir), isFolder: true };
  const stats = await stat(path).catch((error: unknown) => {
    throw new PluginNotFoundError(specifier, path, error);
  });
  // Opening a pipe would wait for its writer.
  if (!stats.isDirectory() && !stats.isFile())
    throw new PluginNotFoundError(specifier, path, new Error('it is neither a folder nor a file'));
  return { specifier, path, isFolder: stats.isDirectory() };
}

/**
 * The file that defines the plugin: the export `.` of its package, or an index file. Outside of node_modules the condition
 * `source` takes precedence, so that a plugin under development runs without being compiled.
 *
 * @throws {PluginNotFoundError} when there is no such file
 * @throws {PluginImportError} when its package.json cannot be read, or is not JSON
 */
export async function pluginEntry({ specifier, path, isFolder }: PluginModule): Promise<string> {
  if (!isFolder) return path;
  const manifest = await readManifest(specifier, join(path, 'package.json'));
  const main = manifest && mainOf(manifest);
  const named = manifest === undefined ? [] : await exportOf(manifest, path, '.');
  if (named.length === 0 && main !== undefined) named.push(main);
  const candidates = (named.length === 0 ? ENTRIES : named).map((entry) => join(path, entry));
  for (const candidate of candidates) if (await isFile(candidate)) return candidate;
  throw new PluginNotFoundError(specifier, candidates.join(', '));
}

/**
 * The file of another export of the plugin's package, such as `./cli`; `undefined` when it has none.
 *
 * @throws {PluginImportError} when its package.json cannot be read, or is not JSON
 */
export async function pluginExport(module: PluginModule, subpath: string): Promise<string | undefined> {
  const found = await packageOf(module);
  if (found === undefined) return undefined;
  const candidates = await exportOf(found.manifest, found.folder, subpath);
  const files = candidates.map((candidate) => join(found.folder, candidate));
  for (const file of files) if (await isFile(file)) return file;
  return files.at(-1);
}

/**
 * The package that the plugin belongs to: the nearest package.json; `undefined` for a file without one.
 *
 * @throws {PluginImportError} when its package.json cannot be read, or is not JSON
 */
export async function packageOf({
  specifier,
  path,
  isFolder,
}: PluginModule): Promise<PluginPackage | undefined> {
  for (let folder = isFolder ? path : dirname(path); ; folder = dirname(folder)) {
    const manifest = await readManifest(specifier, join(folder, 'package.json'));
    if (manifest !== undefined) return { folder, manifest };
    if (dirname(folder) === folder) return undefined;
  }
}

function pathOf(specifier: string, baseDir: string): string | undefined {
  if (specifier.startsWith('file:')) return fileURLToPath(specifier);
  return isPathLike(specifier) ? resolveUserPath(specifier, { base: baseDir }) : undefined;
}

function packageFolder(name: string, baseDir: string): string {
  const failures: unknown[] = [];
  for (const from of [pathToFileURL(join(baseDir, 'package.json')), import.meta.url]) {
    try {
      const manifest = findPackageJSON(name, from);
      if (manifest !== undefined) return dirname(manifest);
    } catch (error) {
      failures.push(error);
    }
  }
  const lookedAt = `the packages installed for ${baseDir}, and those beside the backend`;
  throw new PluginNotFoundError(name, lookedAt, failures[0]);
}

async function readManifest(specifier: string, file: string): Promise<PluginManifest | undefined> {
  const found = await stat(file).catch(() => undefined);
  if (found === undefined) return undefined;
  try {
    // Opening a pipe would wait for its writer, and a device has no end.
    if (!found.isFile()) throw new Error('it is not a file');
    if (found.size > LARGEST_MANIFEST_BYTES) throw new Error(`it has ${found.size} bytes`);
    return parseJson(await readFile(file, 'utf8')) as PluginManifest;
  } catch (error) {
    throw new PluginImportError(specifier, file, error);
  }
}

/** The targets of an export in order of preference; empty if the package does not export it. */
async function exportOf(manifest: Package, folder: string, subpath: string): Promise<string[]> {
  // Node uses the real path, following the link of a package that is under development.
  const isInstalled = (await realpath(folder)).split(sep).includes('node_modules');
  const conditions = isInstalled ? [[]] : [[SOURCE], []];
  try {
    const targets = conditions.flatMap((each) => exports(manifest, subpath, { conditions: each })?.[0] ?? []);
    return [...new Set(targets)];
  } catch {
    // The library throws if the package has exports, but not this one.
    return [];
  }
}

function mainOf(manifest: Package): string | undefined {
  const main = legacy(manifest, { fields: ['main'] });
  return typeof main === 'string' ? main : undefined;
}

async function isFile(path: string): Promise<boolean> {
  const stats = await stat(path).catch(() => undefined);
  return stats?.isFile() === true;
}
