import { refuseIncompatible } from '@aico/backend/plugin-compatibility';
import { findPlugin, packageOf, pluginEntry } from '@aico/backend/plugin-module';
import { type PluginSource, pluginSources } from '@aico/backend/plugin-sources';
import { ConfigurationManager } from '@aico/shared/core/config';
import type { AICOPaths } from '@aico/shared/core/paths';

/** The description of a plugin by its files, for a plugin that is not running. */
export interface PluginAtRest {
  readonly name: string;
  readonly state: 'stopped' | 'disabled' | 'incompatible' | 'not found';
  readonly version: string;
  readonly description: string;
  readonly module: string;
  /** Why it cannot be loaded. */
  readonly problem?: string;
}

/** The plugins that a home has, and the configuration that was read with them, whatever is wrong with it. */
interface HomePlugins {
  readonly config: ConfigurationManager;
  readonly sources: readonly PluginSource[];
}

export async function homePlugins(paths: AICOPaths): Promise<HomePlugins> {
  const config = new ConfigurationManager({ paths });
  await config.initialize({ lightweight: true });
  const { pluginsDir } = paths;
  return { config, sources: await pluginSources({ config, pluginsDir, baseDir: process.cwd() }) };
}

/** Describes a plugin by its package.json. Runs none of its code. */
export async function atRest({ name, specifier, from, isEnabled }: PluginSource): Promise<PluginAtRest> {
  const unknown = { name, version: '', description: '', module: specifier };
  try {
    const found = await findPlugin(specifier, from);
    const { folder, manifest } = (await packageOf(found)) ?? {};
    const { version = '', description = '' } = manifest ?? {};
    const known = { name, version, description, module: found.path };
    if (!isEnabled) return { ...known, state: 'disabled' };
    await pluginEntry(found);
    try {
      if (folder !== undefined && manifest !== undefined)
        await refuseIncompatible(specifier, folder, manifest);
      return { ...known, state: 'stopped' };
    } catch (error) {
      return { ...known, state: 'incompatible', problem: messageOf(error) };
    }
  } catch (error) {
    return { ...unknown, state: isEnabled ? 'not found' : 'disabled', problem: messageOf(error) };
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
