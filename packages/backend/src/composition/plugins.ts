import type { ConfigurationManager } from '@aico/shared/core/config';
import { type TObject, Type } from 'typebox';
import { type LoadedPlugin, loadPlugin } from '../core/plugin/plugin-loader.ts';
import { PluginConfigError } from './errors.ts';

/** A plugin that will run, with what the configuration says of it. */
export interface ChosenPlugin extends LoadedPlugin {
  readonly required: boolean | undefined;
}

export interface ChoosePluginsOptions {
  readonly config: ConfigurationManager;
  /** Named on the command line: folders, files or packages. */
  readonly specifiers: readonly string[];
  /** Where relative ones are looked up. */
  readonly baseDir: string;
}

/**
 * Loads the plugins named on the command line and by `plugins.<name>.module`, and registers their sections. One that
 * `plugins.<name>.enabled` turns off is left out.
 *
 * @throws {AicoError} of the loader, or {ConfigInvalidError} when a section does not fit its plugin's schema
 */
export async function choosePlugins({
  config,
  specifiers,
  baseDir,
}: ChoosePluginsOptions): Promise<readonly ChosenPlugin[]> {
  const configured = Object.keys(config.get('plugins', {}).toObject()).flatMap((name) => {
    const module = config.get(`plugins.${name}.module`, '');
    return module !== '' && config.get(`plugins.${name}.enabled`, true) ? [module] : [];
  });
  const chosen: ChosenPlugin[] = [];
  for (const specifier of [...specifiers, ...configured]) {
    const loaded = await loadPlugin(specifier, baseDir);
    const { name, config: schema = Type.Object({}) } = loaded.definition;
    // The same plugin named twice is one plugin; two plugins of one name are the graph's to refuse.
    if (chosen.some(({ module }) => module === loaded.module)) continue;
    if (!isObjectSchema(schema)) throw new PluginConfigError(name);
    config.registerSection({ path: `plugins.${name}`, schema });
    if (!config.get(`plugins.${name}.enabled`, true)) continue;
    const required = config.get(`plugins.${name}.required`);
    chosen.push({ ...loaded, required: typeof required === 'boolean' ? required : undefined });
  }
  return chosen;
}

function isObjectSchema(schema: unknown): schema is TObject {
  return Type.IsObject(schema);
}
