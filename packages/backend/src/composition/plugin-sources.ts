import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import type { ConfigurationManager } from '@aico/shared/core/config';
import { refuseReplaceable } from '@aico/shared/core/paths';

/** A plugin of a home, and the location of its code. */
export interface PluginSource {
  readonly name: string;
  /** A folder, a file or a package. */
  readonly specifier: string;
  /** The folder against which a relative path or a package is resolved. */
  readonly from: string;
  readonly isEnabled: boolean;
}

export interface PluginSourcesOptions {
  readonly config: ConfigurationManager;
  /** The folder `plugins` of the home. */
  readonly pluginsDir: string;
  /** The folder against which modules in variables are resolved. */
  readonly baseDir: string;
}

/**
 * Lists the plugins of a home: those that the configuration names by `plugins.<name>.module`, then the files and folders of its
 * folder `plugins`, each under its name. The configuration takes precedence. Loads nothing.
 *
 * @throws {HomeForeignError} or {HomeExposedError} when another user could put code into the folder `plugins` or the target of a link in it
 */
export async function pluginSources({
  config,
  pluginsDir,
  baseDir,
}: PluginSourcesOptions): Promise<readonly PluginSource[]> {
  const isEnabled = (name: string): boolean => config.get(`plugins.${name}.enabled`, true);
  const configured = Object.keys(config.get('plugins', {}).toObject()).flatMap((name) => {
    const key = `plugins.${name}.module`;
    const specifier = config.get(key, '');
    if (specifier === '') return [];
    // Not the current folder, so that a start finds the plugin from any folder.
    const from = folderNaming(config, key) ?? baseDir;
    return [{ name, specifier, from, isEnabled: isEnabled(name) }];
  });
  const inFolder = (await pluginsIn(pluginsDir)).filter(([name]) =>
    configured.every((other) => other.name !== name),
  );
  return [
    ...configured,
    ...inFolder.map(([name, specifier]) => ({
      name,
      specifier,
      from: pluginsDir,
      isEnabled: isEnabled(name),
    })),
  ];
}

const MODULE = /(?<!\.d)\.(?:ts|mts|js|mjs)$/;

async function pluginsIn(folder: string): Promise<readonly (readonly [name: string, place: string])[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    // A home that is not a folder is refused with a message of its own when it is opened.
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
    throw error;
  });
  if (entries.length > 0) refuseReplaceable(folder);
  const places = entries
    .filter(({ name }) => !name.startsWith('.') && name !== 'node_modules')
    .filter((entry) => MODULE.test(entry.name) || !entry.isFile())
    .map(({ name }) => [name.replace(MODULE, ''), path.join(folder, name)] as const)
    .sort(([one], [other]) => (one < other ? -1 : 1));
  // The target of a link runs as well. A link that leads nowhere is reported where its plugin is looked for.
  for (const [, place] of places) if (existsSync(place)) refuseReplaceable(place);
  return places;
}

/** The folder of the file that sets the key. */
function folderNaming(config: ConfigurationManager, key: string): string | undefined {
  const origin = config.explain(key)?.origin;
  return origin !== undefined && 'file' in origin ? path.dirname(origin.file) : undefined;
}
