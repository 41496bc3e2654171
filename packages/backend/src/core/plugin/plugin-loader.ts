import { pathToFileURL } from 'node:url';
import { isKeyWord } from '@aico/shared/core/config';
import { PluginExportError, PluginImportError, PluginShapeError } from '../errors.ts';
import type { PluginDefinition } from './plugin-definition.ts';
import { findPlugin, pluginEntry } from './plugin-module.ts';

/** A plugin, and where it came from. */
export interface LoadedPlugin {
  readonly definition: PluginDefinition;
  /** The module's URL. */
  readonly module: string;
}

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
  const file = await pluginEntry(await findPlugin(specifier, baseDir));
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

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
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
