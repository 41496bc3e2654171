import { loadPlugin } from '@aico/backend/host';
import { describeOrigin, type EditConfigKey, editingConfigFile } from '@aico/shared/core/config';
import type { AICOPaths } from '@aico/shared/core/paths';
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
  return editingConfigFile(paths.configFile, async (edit) => {
    await setEnabled(paths, edit, name, isEnabled);
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
  return editingConfigFile(paths.configFile, async (edit) => {
    await edit(['plugins', name, 'module'], folder);
    await setEnabled(paths, edit, name, true);
    return work(name);
  });
}

async function setEnabled(
  paths: AICOPaths,
  edit: EditConfigKey,
  name: string,
  isEnabled: boolean,
): Promise<void> {
  const key = ['plugins', name, 'enabled'];
  await edit(key, isEnabled ? undefined : false);
  // A plugin is enabled where no layer sets the key; the file of the environment may.
  if ((await enabledIn(paths, name)) !== isEnabled) await edit(key, isEnabled);
  if ((await enabledIn(paths, name)) !== isEnabled) throw await overruled(paths, key.join('.'));
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
