import { readFile, realpath } from 'node:fs/promises';
import { loadPlugin } from '@aico/backend/host';
import { describeOrigin, editConfigFile } from '@aico/shared/core/config';
import { type AICOPaths, removeDurably, writePrivateFile } from '@aico/shared/core/paths';
import { CommandFailedError } from '../errors.ts';
import type { FoundPackage } from './found-packages.ts';
import { homePlugins } from './home-plugins.ts';

/**
 * Enables or disables a plugin in the configuration, and then does `work`. When that fails, the file of the configuration is
 * what it was.
 *
 * @returns what `work` returns
 * @throws {CommandFailedError} when another layer of the configuration says otherwise
 */
export function switching<T>(
  paths: AICOPaths,
  name: string,
  isEnabled: boolean,
  work: () => Promise<T>,
): Promise<T> {
  const key = ['plugins', name, 'enabled'];
  return orAsBefore(paths.configFile, async () => {
    await editConfigFile(paths.configFile, key, isEnabled ? undefined : false);
    // A plugin is enabled where no layer sets the key; the file of the environment may.
    if ((await enabledIn(paths, name)) !== isEnabled) await editConfigFile(paths.configFile, key, isEnabled);
    if ((await enabledIn(paths, name)) !== isEnabled) throw await overruled(paths, key.join('.'));
    return work();
  });
}

/**
 * Adds a package that was found to the configuration, under the name of its plugin, and then does `work` with that name. Runs
 * the code of the package, which states the name. If `work` fails, the configuration file is not changed.
 *
 * @throws {CommandFailedError} when the home has another plugin of the name
 */
export async function adding<T>(
  paths: AICOPaths,
  { folder }: FoundPackage,
  work: (name: string) => Promise<T>,
): Promise<T> {
  const { name } = (await loadPlugin(folder, folder)).definition;
  const { sources } = await homePlugins(paths);
  const other = sources.find((source) => source.name === name);
  if (other !== undefined)
    throw new CommandFailedError(
      `the plugin of ${folder} is named "${name}", and there is one of that name already: ${other.specifier}`,
      1,
      `Remove that one first: aico plugin remove ${name}`,
    );
  return orAsBefore(paths.configFile, async () => {
    await editConfigFile(paths.configFile, ['plugins', name, 'module'], folder);
    return switching(paths, name, true, () => work(name));
  });
}

/** Does `work`; when it fails, the file has the text that it had before. */
async function orAsBefore<T>(file: string, work: () => Promise<T>): Promise<T> {
  const before = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  try {
    return await work();
  } catch (error) {
    if (before === undefined) await removeDurably(file);
    else await writePrivateFile(await realpath(file), before);
    throw error;
  }
}

async function enabledIn(paths: AICOPaths, name: string): Promise<boolean> {
  return (await homePlugins(paths)).config.get(`plugins.${name}.enabled`, true);
}

async function overruled(paths: AICOPaths, key: string): Promise<CommandFailedError> {
  const origin = (await homePlugins(paths)).config.explain(key)?.origin ?? { layer: 'default' };
  return new CommandFailedError(
    `${key} is set by ${describeOrigin(origin)}, which takes precedence over ${paths.configFile}`,
    1,
    'Change it there.',
  );
}
