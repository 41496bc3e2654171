import { readFile, realpath } from 'node:fs/promises';
import { findPackageJSON } from 'node:module';
import path from 'node:path';
import { parseJson } from '@aico/protocol';

const OWN = ['@aico/backend', '@aico/cli'] as const;

/** How a new package depends on the packages that this command belongs to. */
interface OwnPackages {
  /** The versions that a plugin made now is compatible with. */
  readonly range: string;
  /** A specification of each for npm, by name. */
  readonly specifications: Readonly<Record<string, string>>;
}

/**
 * The packages of this command, as a package in `folder` names them: by their range where npm had them from a registry,
 * else by the path where they lie, since a registry may not have them.
 */
export async function ownPackages(folder: string): Promise<OwnPackages> {
  const places = await Promise.all(OWN.map(async (name) => [name, await placeOf(name)] as const));
  const manifest = parseJson(await readFile(path.join(places[0]?.[1] ?? '', 'package.json'), 'utf8')) as {
    readonly version: string;
  };
  const range = `^${manifest.version}`;
  const specified = places.map(async ([name, place]) => {
    if (await isFromRegistry(name, place)) return [name, range];
    const target = path.relative(await realParent(folder), place);
    return [name, `file:${target.split(path.sep).join('/')}`];
  });
  return { range, specifications: Object.fromEntries(await Promise.all(specified)) };
}

async function placeOf(name: string): Promise<string> {
  const manifest = findPackageJSON(name, import.meta.url);
  if (manifest === undefined) throw new TypeError(`${name} is not installed beside this command`);
  return realpath(path.dirname(manifest));
}

/** Whether npm had a package from a registry, by the record that it keeps in node_modules; so do other package managers. */
async function isFromRegistry(name: string, place: string): Promise<boolean> {
  const modules = path.join(place, '../..');
  if (path.basename(modules) !== 'node_modules') return false;
  const text = await readFile(path.join(modules, '.package-lock.json'), 'utf8').catch(() => '{}');
  const { packages = {} } = parseJson(text) as {
    readonly packages?: Readonly<Record<string, { readonly resolved?: string }>>;
  };
  return packages[`node_modules/${name}`]?.resolved?.startsWith('file:') !== true;
}

/** The folder with all links above it resolved, as npm resolves them. */
async function realParent(folder: string): Promise<string> {
  return path.join(await realpath(path.dirname(folder)), path.basename(folder));
}
