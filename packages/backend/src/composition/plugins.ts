import { Type } from 'typebox';
import type { PluginDefinition } from '../core/plugin/plugin-definition.ts';
import { type LoadedPlugin, loadPlugin } from '../core/plugin/plugin-loader.ts';
import { PluginNameDiffersError, PluginNameTakenError } from './errors.ts';
import { type PluginSourcesOptions, pluginSources } from './plugin-sources.ts';
import { refuseReservedName } from './reserved-names.ts';

/** A plugin that will run, and whether the configuration requires it. */
export interface ChosenPlugin extends LoadedPlugin {
  /** Where its code was found, and from which folder. */
  readonly specifier: string | PluginDefinition;
  readonly from: string;
  readonly required: boolean | undefined;
}

/** An optional plugin of the configuration that could not be loaded. */
export interface MissingPlugin {
  readonly name: string;
  readonly module: string;
  readonly error: unknown;
}

export interface ChosenPlugins {
  readonly plugins: readonly ChosenPlugin[];
  readonly missing: readonly MissingPlugin[];
}

interface ChoosePluginsOptions extends PluginSourcesOptions {
  /** Plugins of the command line (folders, files or packages), or definitions that a program passes. */
  readonly specifiers: readonly (string | PluginDefinition)[];
}

/**
 * Loads the plugins of the command line and those of the home, see {@link pluginSources}, and registers their sections.
 * Disabled plugins (`plugins.<name>.enabled`) are skipped.
 *
 * @throws {OwnerReservedError} for a plugin with the name of a part of the backend
 * @throws {PluginNameDiffersError} for a plugin whose name differs from that in the configuration
 * @throws {AicoError} of the loader, or {ConfigInvalidError} when a section does not fit its plugin's schema
 */
export async function choosePlugins({ specifiers, ...home }: ChoosePluginsOptions): Promise<ChosenPlugins> {
  const { config, baseDir } = home;
  const named = specifiers.map((specifier) => ({ specifier, from: baseDir, name: undefined }));
  const ofHome = (await pluginSources(home)).filter(({ isEnabled }) => isEnabled);
  const chosen: ChosenPlugin[] = [];
  const missing: MissingPlugin[] = [];
  for (const { specifier, from, name: expected } of [...named, ...ofHome]) {
    let loaded: LoadedPlugin;
    try {
      loaded = await loadPlugin(specifier, from);
    } catch (error) {
      if (expected === undefined || config.get(`plugins.${expected}.required`) !== false) throw error;
      missing.push({ name: expected, module: specifier, error });
      continue;
    }
    const { name, config: schema = Type.Object({}) } = loaded.definition;
    if (expected !== undefined && expected !== name)
      throw new PluginNameDiffersError(name, expected, loaded.module);
    // A plugin that is named twice is loaded once.
    const isSame = ({ definition, module }: LoadedPlugin): boolean =>
      definition === loaded.definition || (typeof specifier === 'string' && module === loaded.module);
    if (chosen.some(isSame)) continue;
    refuseReservedName(name);
    const other = chosen.find(({ definition }) => definition.name === name);
    if (other !== undefined) throw new PluginNameTakenError(name, loaded.module, other.module);
    config.registerSection({ path: `plugins.${name}`, schema });
    if (!config.get(`plugins.${name}.enabled`, true)) continue;
    const required = config.get(`plugins.${name}.required`);
    chosen.push({
      ...loaded,
      specifier,
      from,
      required: typeof required === 'boolean' ? required : undefined,
    });
  }
  return { plugins: chosen, missing };
}
