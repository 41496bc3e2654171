import { findPackageJSON } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { findPlugin, type PluginManifest, packageOf } from '@aico/backend/plugin-module';

/** The keyword by which the package of a plugin is found. */
const KEYWORD = 'aico-plugin';

/** An installed package that offers itself as a plugin. */
export interface FoundPackage {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly folder: string;
}

/**
 * The packages with the keyword `aico-plugin` among the direct dependencies of the projects that `folders` belong to. None of
 * their code is run: that a package is installed is no wish to run it, since another package may have brought it.
 */
export async function foundPackages(folders: readonly string[]): Promise<readonly FoundPackage[]> {
  const found = new Map<string, FoundPackage>();
  for (const folder of folders) {
    const project = await packageAt(folder);
    if (project === undefined) continue;
    for (const name of dependenciesOf(project.manifest)) {
      const place = placeOf(name, project.folder);
      const { manifest } = (place !== undefined && (await packageAt(place))) || {};
      if (place === undefined || manifest?.keywords?.includes(KEYWORD) !== true) continue;
      const { version = '', description = '' } = manifest;
      found.set(place, { name, version, description, folder: place });
    }
  }
  return [...found.values()];
}

/** Whether `name` means the package: its own name, or that without its scope and the prefix `aico-plugin-`. */
export function isCalled({ name }: FoundPackage, called: string): boolean {
  return name === called || name.replace(/^@[^/]+\//, '').replace(/^aico-plugin-/, '') === called;
}

function dependenciesOf(manifest: PluginManifest): readonly string[] {
  const { dependencies, devDependencies, optionalDependencies } = manifest;
  return [
    ...new Set(
      [dependencies, devDependencies, optionalDependencies].flatMap((each) => Object.keys(each ?? {})),
    ),
  ];
}

function placeOf(name: string, folder: string): string | undefined {
  try {
    const manifest = findPackageJSON(name, pathToFileURL(path.join(folder, 'package.json')));
    return manifest && path.dirname(manifest);
  } catch {
    // It is a dependency that is not installed.
    return undefined;
  }
}

/** A folder that cannot be read, or whose package.json is not JSON, offers nothing. */
async function packageAt(folder: string): ReturnType<typeof packageOf> {
  try {
    return await packageOf(await findPlugin(folder, folder));
  } catch {
    return undefined;
  }
}
