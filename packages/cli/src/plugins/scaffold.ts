import { randomUUID } from 'node:crypto';
import { access, mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { findPackageJSON } from 'node:module';
import path from 'node:path';
import { parseJson } from '@aico/protocol';
import { FolderInUseError, PluginNotMadeError } from '../errors.ts';
import { ownPackages } from './own-packages.ts';

/** A plugin that is checked, tested and packed with this package. Its name is replaced by that of the new one. */
const TEMPLATE = path.join(path.dirname(findPackageJSON(import.meta.url) ?? ''), 'template');
const NAME_IN_TEMPLATE = /sample([-_])plugin/g;

/** Files that have another name in the template, where npm or a tool would otherwise read or omit them. */
const RENAMED: Readonly<Record<string, string>> = {
  '_biome.json': 'biome.json',
  '_package.json': 'package.json',
  _gitignore: '.gitignore',
};

/** Folders that the tools of an author make. */
const NOT_COPIED: ReadonlySet<string> = new Set(['node_modules', 'dist']);

/**
 * Makes the package of a plugin called `name` in a folder, which must be empty or missing. The folder appears as a whole:
 * nothing is left if it cannot be created, and nothing is overwritten.
 *
 * @param folder absolute
 * @returns the files, relative to the folder
 * @throws {FolderInUseError} when the folder is a file or is not empty
 * @throws {PluginNotMadeError} when the system refuses
 */
export async function makePlugin(name: string, folder: string): Promise<readonly string[]> {
  try {
    const isThere = await isEmptyFolder(folder);
    const above = path.dirname(folder);
    const made = await mkdir(above, { recursive: true });
    try {
      const files = await filesFor(name, folder);
      const prepared = path.join(above, `.aico-plugin-${randomUUID()}`);
      try {
        for (const [file, text] of files) await writeBelow(prepared, file, text);
        // A folder that is there may be the current one, which must stay the same.
        if (isThere) await moveEntries(prepared, folder);
        else await rename(prepared, folder);
      } finally {
        await rm(prepared, { recursive: true, force: true });
      }
      return [...files.keys()];
    } catch (error) {
      if (made !== undefined) await removeEmpty(above, made);
      throw error;
    }
  } catch (error) {
    throw error instanceof FolderInUseError ? error : new PluginNotMadeError(folder, error);
  }
}

/** @returns whether it is an empty folder; `false` when there is nothing */
async function isEmptyFolder(folder: string): Promise<boolean> {
  try {
    if ((await readdir(folder)).length > 0) throw new FolderInUseError(folder, 'is not empty');
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOTDIR') throw new FolderInUseError(folder, 'is not a folder');
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/** Moves the entries of a folder into another, all or none. */
async function moveEntries(from: string, to: string): Promise<void> {
  const moved: string[] = [];
  try {
    for (const entry of await readdir(from)) {
      await rename(path.join(from, entry), path.join(to, entry));
      moved.push(path.join(to, entry));
    }
  } catch (error) {
    for (const place of moved) await rm(place, { recursive: true });
    throw error;
  }
}

/** Removes the folders from `folder` up to `uppermost`, as far as nothing is in them. */
async function removeEmpty(folder: string, uppermost: string): Promise<void> {
  for (let at = folder; ; at = path.dirname(at)) {
    const isRemoved = await rmdir(at).then(
      () => true,
      () => false,
    );
    if (!isRemoved || at === uppermost) return;
  }
}

/** Every file of the new package with its text. */
async function filesFor(name: string, folder: string): Promise<ReadonlyMap<string, string>> {
  const entries = await readdir(TEMPLATE, { recursive: true, withFileTypes: true });
  const files = new Map<string, string>();
  for (const entry of entries) {
    const file = path.relative(TEMPLATE, path.join(entry.parentPath, entry.name));
    if (!entry.isFile() || NOT_COPIED.has(file.split(path.sep)[0] ?? '')) continue;
    // The linter takes the configuration of a project around the new one, and refuses a second.
    if (file === '_biome.json' && (await hasAbove(folder, 'biome.json'))) continue;
    const text = (await readFile(path.join(TEMPLATE, file), 'utf8')).replaceAll(
      NAME_IN_TEMPLATE,
      (_all, separator) => (separator === '_' ? name.replaceAll('-', '_') : name),
    );
    const target = RENAMED[file] ?? file;
    files.set(target, target === 'package.json' ? await withOwnPackages(text, folder) : text);
  }
  return new Map([...files].sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** The package.json with the packages that this command belongs to. */
async function withOwnPackages(text: string, folder: string): Promise<string> {
  const manifest = parseJson(text) as {
    readonly peerDependencies: Record<string, string>;
    readonly devDependencies: Record<string, string>;
  };
  const { range, specifications } = await ownPackages(folder);
  for (const name of Object.keys(manifest.peerDependencies)) manifest.peerDependencies[name] = range;
  Object.assign(manifest.devDependencies, specifications);
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

async function hasAbove(folder: string, name: string): Promise<boolean> {
  for (let at = path.dirname(folder); ; at = path.dirname(at)) {
    const isThere = await access(path.join(at, name)).then(
      () => true,
      () => false,
    );
    if (isThere || path.dirname(at) === at) return isThere;
  }
}

async function writeBelow(folder: string, file: string, text: string): Promise<void> {
  const place = path.join(folder, file);
  await mkdir(path.dirname(place), { recursive: true });
  await writeFile(place, text, { flag: 'wx' });
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
