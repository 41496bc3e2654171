import { readFile, stat } from 'node:fs/promises';
import { findPackageJSON } from 'node:module';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { isKeyWord } from '@aico/shared/core/config';
import { PluginExportError, PluginImportError, PluginNotFoundError, PluginShapeError } from '../errors.ts';
import type { PluginDefinition } from './plugin-definition.ts';

/** A plugin, and where it came from. */
export interface LoadedPlugin {
  readonly definition: PluginDefinition;
  /** The module's URL. */
  readonly module: string;
}

const ENTRIES = ['index.ts', 'index.js', 'src/index.ts', 'src/index.js'];

/**
 * Loads the plugin that a module exports as `plugin`. Runs the module's code, constructs nothing.
 *
 * @param specifier a folder or file (`./examples/inbox`, absolute, or a `file:` URL), or an installed package's name
 * @param baseDir the folder that relative paths are looked up from, and packages: from there, else beside this one
 * @throws {PluginNotFoundError} when there is nothing
 * @throws {PluginImportError} when the module throws while it is loaded, or imports what is missing
 * @throws {PluginExportError} when it exports no `plugin`
 * @throws {PluginShapeError} when `plugin` is not what `definePlugin` makes, naming all that is wrong
 */
export async function loadPlugin(specifier: string, baseDir: string): Promise<LoadedPlugin> {
  const file = await entryOf(specifier, baseDir);
  const { href } = pathToFileURL(file);
  let module: object;
  try {
    module = await import(href);
  } catch (error) {
    throw new PluginImportError(specifier, file, error);
  }
  if (!('plugin' in module)) throw new PluginExportError(specifier, file, Object.keys(module));
  const { plugin } = module;
  const problems: string[] = [];
  if (!isDefinition(plugin, problems)) throw new PluginShapeError(specifier, problems);
  return { definition: plugin, module: href };
}

async function entryOf(specifier: string, baseDir: string): Promise<string> {
  const path = pathOf(specifier, baseDir);
  if (path === undefined) return entryOfFolder(specifier, packageFolder(specifier, baseDir));
  const stats = await stat(path).catch((error: unknown) => {
    throw new PluginNotFoundError(specifier, path, error);
  });
  return stats.isDirectory() ? entryOfFolder(specifier, path) : path;
}

function pathOf(specifier: string, baseDir: string): string | undefined {
  if (specifier.startsWith('file:')) return fileURLToPath(specifier);
  if (isAbsolute(specifier)) return specifier;
  return /^\.\.?([/\\]|$)/.test(specifier) ? resolve(baseDir, specifier) : undefined;
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

async function entryOfFolder(specifier: string, folder: string): Promise<string> {
  const named = await entryInManifest(specifier, join(folder, 'package.json'));
  const candidates = (named === undefined ? ENTRIES : [named]).map((entry) => join(folder, entry));
  for (const candidate of candidates) {
    const stats = await stat(candidate).catch(() => undefined);
    if (stats?.isFile()) return candidate;
  }
  throw new PluginNotFoundError(specifier, candidates.join(', '));
}

async function entryInManifest(specifier: string, manifest: string): Promise<string | undefined> {
  const text = await readFile(manifest, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new PluginImportError(specifier, manifest, error);
  }
  const root = member(parsed, 'exports');
  return entryIn(member(root, '.') ?? root) ?? onlyString(member(parsed, 'main'));
}

/** The first of the conditions that a module of this kind would be imported by. */
function entryIn(target: unknown): string | undefined {
  if (typeof target === 'string') return target;
  for (const condition of ['node', 'import', 'default']) {
    const entry = member(target, condition);
    if (entry !== undefined) return entryIn(entry);
  }
  return undefined;
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function onlyString(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

const NAME = /^[a-z][a-z0-9_-]*$/;

function isDefinition(value: unknown, problems: string[]): value is PluginDefinition {
  if (typeof value !== 'object' || value === null) {
    problems.push(`it is ${value === null ? 'null' : typeof value}, not an object`);
    return false;
  }
  const expect = (name: string, holds: (found: unknown) => boolean, expected: string): void => {
    if (!holds(member(value, name))) problems.push(`"${name}" must be ${expected}`);
  };
  const optional =
    (type: string) =>
    (found: unknown): boolean =>
      found === undefined || (typeof found === type && found !== null);
  expect(
    'name',
    (found) => typeof found === 'string' && NAME.test(found) && isKeyWord(found),
    'lower-case letters and digits, beginning with a letter, with single "-" or "_" between them, and not a word that ' +
      'configuration cannot hold',
  );
  expect(
    'dependencies',
    (found) => Array.isArray(found) && found.every((name) => typeof name === 'string'),
    'a list of service names',
  );
  expect('create', (found) => typeof found === 'function', 'a function (name, container) => plugin');
  expect('required', optional('boolean'), 'true or false');
  expect('priority', optional('number'), 'a number');
  expect('config', optional('object'), 'a TypeBox schema');
  expect('startTimeoutMs', optional('number'), 'milliseconds');
  expect('stopTimeoutMs', optional('number'), 'milliseconds');
  expect('retry', optional('object'), 'an object');
  return problems.length === 0;
}
