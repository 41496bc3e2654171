import { stat } from 'node:fs/promises';
import { ConfigUnreadableError, ConfigurationManager, type Environment } from '@aico/shared/core/config';
import type { AICOPaths } from '@aico/shared/core/paths';
import type { PluginDefinition } from '../core/plugin/plugin-definition.ts';
import { coreSections } from './core-sections.ts';
import { type ChosenPlugins, choosePlugins } from './plugins.ts';

interface ReadConfigurationOptions {
  readonly paths: AICOPaths;
  /** Default `process.env`. */
  readonly env?: Environment;
  /** Values that override all other layers, by dotted key. */
  readonly overrides?: Readonly<Record<string, unknown>>;
  /** Plugins in addition to those of the configuration: folders, files, packages or definitions. */
  readonly plugins?: readonly (string | PluginDefinition)[];
  /** The folder against which relative plugins are resolved. Default: the current folder. */
  readonly baseDir?: string;
  /** A file to read in place of the user's; it must exist. */
  readonly configFile?: string;
}

interface ReadConfiguration extends ChosenPlugins {
  readonly config: ConfigurationManager;
}

/**
 * Reads the configuration and the sections of all plugins that will run. A start and `aico config validate` share this
 * function, so that they agree on what is valid. Runs the modules of plugins, but starts nothing.
 *
 * @throws {AicoError} listing every error in files, variables and sections, or naming the plugin that cannot be loaded
 */
export async function readConfiguration(options: ReadConfigurationOptions): Promise<ReadConfiguration> {
  const { paths, env = process.env, overrides = {}, plugins = [], baseDir = process.cwd() } = options;
  const { configFile = paths.configFile } = options;
  if (options.configFile !== undefined)
    await stat(configFile).catch((error: unknown) => {
      throw new ConfigUnreadableError(configFile, 'user file', error);
    });
  const config = new ConfigurationManager({
    paths: { configFile, environmentFile: (environment) => paths.environmentFile(environment) },
    env,
    overrides,
    sections: coreSections,
  });
  await config.initialize();
  const { pluginsDir } = paths;
  return { config, ...(await choosePlugins({ config, specifiers: plugins, baseDir, pluginsDir })) };
}
