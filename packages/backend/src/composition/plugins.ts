import path from 'node:path';
import type { ConfigurationManager } from '@aico/shared/core/config';
import { Type } from 'typebox';
import { PluginNameTakenError } from '../core/errors.ts';
import type { PluginDefinition } from '../core/plugin/plugin-definition.ts';
import { type LoadedPlugin, loadPlugin } from '../core/plugin/plugin-loader.ts';
import { refuseReservedName } from './reserved-names.ts';

/** A plugin that will run, and whether the configuration requires it. */
export interface ChosenPlugin extends LoadedPlugin {
  readonly required: boolean | undefined;
}

/** A plugin that the configuration names, does not require, and that could not be loaded. */
export interface MissingPlugin {
  readonly name: string;
  readonly module: string;
  readonly error: unknown;
}

export interface ChosenPlugins {
  readonly plugins: readonly ChosenPlugin[];
  readonly missing: readonly MissingPlugin[];
}

export interface ChoosePluginsOptions {
  readonly config: ConfigurationManager;
  /** Named on the command line: folders, files or packages; or definitions that a program passes. */
  readonly specifiers: readonly (string | PluginDefinition)[];
  /** Where these are looked up, and those that a variable names. */
  readonly baseDir: string;
}

/**
 * Loads the plugins named on the command line and by `plugins.<name>.module`, and registers their sections. One that
 * `plugins.<name>.enabled` turns off is left out. A module that a file names is looked up from that file's folder, so that a
 * start does not depend on the folder it is called in.
 *
 * @throws {OwnerReservedError} for one called like a part of the backend
 * @throws {AicoError} of the loader, or {ConfigInvalidError} when a section does not fit its plugin's schema
 */
export async function choosePlugins({
  config,
  specifiers,
  baseDir,
}: ChoosePluginsOptions): Promise<ChosenPlugins> {
  const named = specifiers.map((specifier) => ({ specifier, from: baseDir, key: undefined }));
  const configured = Object.keys(config.get('plugins', {}).toObject()).flatMap((key) => {
    const specifier = config.get(`plugins.${key}.module`, '');
    const isWanted = specifier !== '' && config.get(`plugins.${key}.enabled`, true);
    return isWanted
      ? [{ specifier, from: folderNaming(config, `plugins.${key}.module`) ?? baseDir, key }]
      : [];
  });
  const chosen: ChosenPlugin[] = [];
  const missing: MissingPlugin[] = [];
  for (const { specifier, from, key } of [...named, ...configured]) {
    let loaded: LoadedPlugin;
    try {
      loaded = await loadPlugin(specifier, from);
    } catch (error) {
      if (key === undefined || config.get(`plugins.${key}.required`) !== false) throw error;
      missing.push({ name: key, module: specifier, error });
      continue;
    }
    const { name, config: schema = Type.Object({}) } = loaded.definition;
    // The same plugin named twice is one plugin.
    if (chosen.some(({ definition }) => definition === loaded.definition)) continue;
    refuseReservedName(name);
    const other = chosen.find(({ definition }) => definition.name === name);
    if (other !== undefined) throw new PluginNameTakenError(name, loaded.module, other.module);
    config.registerSection({ path: `plugins.${name}`, schema });
    if (!config.get(`plugins.${name}.enabled`, true)) continue;
    const required = config.get(`plugins.${name}.required`);
    chosen.push({ ...loaded, required: typeof required === 'boolean' ? required : undefined });
  }
  return { plugins: chosen, missing };
}

/** The folder of the file that sets the key. */
export function folderNaming(config: ConfigurationManager, key: string): string | undefined {
  const origin = config.explain(key)?.origin;
  return origin !== undefined && 'file' in origin ? path.dirname(origin.file) : undefined;
}
