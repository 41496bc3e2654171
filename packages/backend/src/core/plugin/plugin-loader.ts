import { pathToFileURL } from 'node:url';
import { Type } from 'typebox';
import { isAccess } from '../access.ts';
import { Deadline } from '../deadline.ts';
import { refuseIncompatible } from './compatibility.ts';
import { PluginExportError, PluginImportError, PluginLoadTimeoutError, PluginShapeError } from './errors.ts';
import { placeOfImportFailure } from './import-place.ts';
import type { ModuleGenerations } from './module-generations.ts';
import { shareBackend } from './module-hooks.ts';
import type { PluginDefinition } from './plugin-definition.ts';
import { findPlugin, type PluginManifest, packageOf, pluginEntry } from './plugin-module.ts';
import { isPluginName, PLUGIN_NAME_RULE } from './plugin-name.ts';

/** A plugin and its origin. */
export interface LoadedPlugin {
  readonly definition: PluginDefinition;
  /** The module's URL; `definition:NAME` if a definition was passed. */
  readonly module: string;
  /** Makes this load the one whose modules other plugins import from now on. To be called once the plugin runs. */
  readonly adopt?: () => void;
}

interface LoadOptions {
  /** Loads modules of the plugin again that were loaded before. */
  readonly generations?: ModuleGenerations;
  /** The longest time that the modules may take to run. Default: 30 seconds. */
  readonly timeoutMs?: number;
}

const LOAD_TIMEOUT_MS = 30_000;

/**
 * Loads the plugin that a module exports as `plugin`. Runs the module's code, but constructs nothing. Version and description
 * default to those of its package.
 *
 * @param specifier a folder or file (`./examples/inbox`, absolute, or a `file:` URL), an installed package's name, or the
 *   definition itself
 * @param baseDir the folder against which relative paths and packages are resolved; packages are also looked up beside this one
 * @throws {PluginNotFoundError} when there is no such module
 * @throws {PluginIncompatibleError} when its package requires another version of the backend or of Node
 * @throws {PluginImportError} when the module throws while it is loaded, or imports a module that is missing
 * @throws {PluginLoadTimeoutError} when a top-level `await` of a module does not settle in time
 * @throws {PluginExportError} when it exports no `plugin`
 * @throws {PluginShapeError} when `plugin` is not a definition; the error lists every fault
 */
export async function loadPlugin(
  specifier: string | PluginDefinition,
  baseDir: string,
  { generations, timeoutMs = LOAD_TIMEOUT_MS }: LoadOptions = {},
): Promise<LoadedPlugin> {
  if (typeof specifier !== 'string') {
    const module = `definition:${member(specifier, 'name')}`;
    return { definition: checkedDefinition(specifier, module), module };
  }
  const found = await findPlugin(specifier, baseDir);
  const file = await pluginEntry(found);
  const { folder, manifest } = (await packageOf(found)) ?? {};
  if (folder !== undefined && manifest !== undefined) await refuseIncompatible(specifier, folder, manifest);
  shareBackend();
  const { href } = pathToFileURL(file);
  const loading = generations?.begin(found, file);
  const importing: Promise<object> = loading?.module ?? import(href);
  using deadline = new Deadline(timeoutMs);
  let isLoaded: boolean;
  try {
    isLoaded = await deadline.settles(importing);
  } catch (error) {
    throw new PluginImportError(specifier, file, error, await placeOfImportFailure(error, file));
  }
  if (!isLoaded) throw new PluginLoadTimeoutError(specifier, file, timeoutMs);
  const module = await importing;
  if (!('plugin' in module)) throw new PluginExportError(specifier, file, Object.keys(module));
  const definition = checkedDefinition(module.plugin, file, manifest);
  return { definition, module: href, ...(loading === undefined ? {} : { adopt: loading.adopt }) };
}

/**
 * @param manifest of the package, with the default version and description
 * @throws {PluginShapeError}
 */
function checkedDefinition(value: unknown, file: string, manifest?: PluginManifest): PluginDefinition {
  const problems: string[] = [];
  if (!isDefinition(value, problems)) throw new PluginShapeError(file, problems);
  const { version = manifest?.version, description = manifest?.description } = value;
  if (version === value.version && description === value.description) return value;
  return { ...value, version: version ?? '', description: description ?? '' };
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Whether it is a list of objects whose `members` are text. */
function isListOf(value: unknown, ...members: readonly string[]): boolean {
  const isItem = (item: unknown): boolean => members.every((name) => typeof member(item, name) === 'string');
  return Array.isArray(value) && value.every(isItem);
}

/** Whether a migration has its SQL: one text, or one for each dialect. */
function hasSql(migration: unknown): boolean {
  const sql = member(migration, 'sql');
  return (
    typeof sql === 'string' ||
    ['sqlite', 'postgres'].every((dialect) => typeof member(sql, dialect) === 'string')
  );
}

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
  expect('name', isPluginName, PLUGIN_NAME_RULE);
  const isText = (found: unknown): boolean =>
    found === undefined || (typeof found === 'string' && found !== '');
  expect('version', isText, 'text, such as 1.0.0');
  expect('description', isText, 'a sentence');
  expect(
    'dependencies',
    (found) =>
      found === undefined || (Array.isArray(found) && found.every((name) => typeof name === 'string')),
    'a list of service names',
  );
  const behaviours = ['start', 'create'].filter((name) => member(value, name) !== undefined);
  if (behaviours.length !== 1) problems.push('it must have either "start" or "create"');
  for (const name of behaviours) expect(name, (found) => typeof found === 'function', 'a function');
  expect('required', optional('boolean'), 'true or false');
  expect('priority', optional('number'), 'a number');
  expect(
    'config',
    (found) => found === undefined || Type.IsObject(found),
    'a schema made by Type.Object({ … })',
  );
  expect('capabilities', optional('object'), 'an object of capabilities and what each allows');
  for (const capability of Object.keys(Object(member(value, 'capabilities'))))
    if (capability === 'public' || !isAccess(capability))
      problems.push(`capability "${capability}" must be words joined by colons, such as notes:read`);
  const needs = (dependency: string, part: string): void => {
    const list = member(value, 'dependencies');
    if (member(value, part) !== undefined && !(Array.isArray(list) && list.includes(dependency)))
      problems.push(`"${part}" needs '${dependency}' among the dependencies`);
  };
  expect(
    'migrations',
    (found) => found === undefined || (isListOf(found, 'id') && listOf(found).every(hasSql)),
    'a list of { id, sql }, where sql is text or { sqlite, postgres }',
  );
  needs('database', 'migrations');
  expect(
    'topics',
    (found) => found === undefined || isListOf(found, 'name'),
    'a list of topics made by defineTopic()',
  );
  for (const topic of listOf(member(value, 'topics'))) {
    const name = member(topic, 'name');
    if (typeof name === 'string' && !name.startsWith(`${String(member(value, 'name'))}.`))
      problems.push(`topic "${name}" must begin with the name of the plugin and a dot`);
  }
  for (const list of ['offers', 'fills'])
    expect(
      list,
      (found) => found === undefined || isListOf(found, 'name'),
      'a list of extension points made by extensionPoint()',
    );
  for (const point of listOf(member(value, 'offers'))) {
    const name = member(point, 'name');
    if (typeof name === 'string' && !name.startsWith(`${String(member(value, 'name'))}.`))
      problems.push(`extension point "${name}" must begin with the name of the plugin and a dot`);
  }
  expect('startTimeoutMs', optional('number'), 'milliseconds');
  expect('stopTimeoutMs', optional('number'), 'milliseconds');
  expect('retry', optional('object'), 'an object');
  return problems.length === 0;
}
