import { readFile, stat } from 'node:fs/promises';
import { findPackageJSON } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { isPathLike, resolveUserPath } from '@aico/shared/core/paths';
import { exports, legacy, type Package } from 'resolve.exports';
import { PluginImportError, PluginNotFoundError } from '../errors.ts';

/** Where a plugin lies. */
export interface PluginModule {
  readonly specifier: string;
  /** The file, or the folder of the package. */
  readonly path: string;
  readonly isFolder: boolean;
}

const ENTRIES = ['index.ts', 'index.js', 'src/index.ts', 'src/index.js'];

/**
 * Finds a plugin. Loads nothing.
 *
 * @param specifier a folder or file (`./examples/inbox`, `~/inbox`, absolute, or a `file:` URL), or an installed package's name
 * @param baseDir the folder against which relative paths and packages are resolved; a package that is not installed there
 *   is looked up beside the backend
 * @throws {PluginNotFoundError} when there is nothing
 */
export async function findPlugin(specifier: string, baseDir: string): Promise<PluginModule> {
  const path = pathOf(specifier, baseDir);
  if (path === undefined) return { specifier, path: packageFolder(specifier, baseDir), isFolder: true };
  const stats = await stat(path).catch((error: unknown) => {
    throw new PluginNotFoundError(specifier, path, error);
  });
  return { specifier, path, isFolder: stats.isDirectory() };
}

/**
 * The file that defines the plugin: what its package exports as `.`, or an index file.
 *
 * @throws {PluginNotFoundError} when there is no such file
 * @throws {PluginImportError} when its package.json is not JSON
 */
export async function pluginEntry({ specifier, path, isFolder }: PluginModule): Promise<string> {
  if (!isFolder) return path;
  const manifest = await readManifest(specifier, join(path, 'package.json'));
  const named = manifest && (exportOf(manifest, '.') ?? mainOf(manifest));
  const candidates = (named === undefined ? ENTRIES : [named]).map((entry) => join(path, entry));
  for (const candidate of candidates) if (await isFile(candidate)) return candidate;
  throw new PluginNotFoundError(specifier, candidates.join(', '));
}

/**
 * The file behind a further export of the plugin's package, such as `./cli`; `undefined` when it has none.
 *
 * @throws {PluginImportError} when its package.json is not JSON
 */
export async function pluginExport(
  { specifier, path, isFolder }: PluginModule,
  subpath: string,
): Promise<string | undefined> {
  const file = findPackageJSON(pathToFileURL(isFolder ? join(path, '/') : path));
  const manifest = file && (await readManifest(specifier, file));
  const target = manifest && exportOf(manifest, subpath);
  return file && target && join(dirname(file), target);
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

async function readManifest(specifier: string, file: string): Promise<Package | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as Package;
  } catch (error) {
    throw new PluginImportError(specifier, file, error);
  }
}

function exportOf(manifest: Package, subpath: string): string | undefined {
  try {
    return exports(manifest, subpath)?.[0];
  } catch {
    // The library throws where the package exports something, but not this.
    return undefined;
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
