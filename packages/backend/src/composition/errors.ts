import { AicoError, defineError, hintOf, reasonOf } from '@aico/protocol';
import { suggestion } from '../core/nearest.ts';

/** A first start in production has no password, so the data would not be protected. */
export class UnprotectedStartError extends defineError({
  code: 'AICO_KEY_UNPROTECTED',
  exit: 'key',
  hint: 'Set AICO_CORE__SECURITY__PASSWORD for the first start, or start in development (AICO_ENVIRONMENT).',
  make: () => ({ message: 'a backend in production does not create an unprotected key' }),
}) {}

/** There is a database but no key slots, and a new key could not open the database. */
export class KeySlotsLostError extends defineError({
  code: 'AICO_KEY_SLOTS_LOST',
  exit: 'key',
  hint: 'Restore the key slots from your backup. Without them the database cannot be read; to start with an empty database, move the old one away.',
  make: (slotsFile: string, databaseFile: string) => ({
    message: `${databaseFile} exists, but its key slots (${slotsFile}) do not`,
    slotsFile,
  }),
}) {}

/** Two plugins have the same name. */
export class PluginNameTakenError extends defineError({
  code: 'AICO_PLUGIN_NAME_TAKEN',
  exit: 'plugin',
  make: (plugin: string, module: string, other: string) => ({
    message: `two plugins are named "${plugin}": ${other} and ${module}`,
    hint: `Rename one in its definition, or load only one: \`aico plugin remove ${plugin}\` takes it out of the configuration.`,
    plugin,
  }),
}) {}

/** A plugin has another name than its entry in the configuration, or its file in the folder of plugins. */
export class PluginNameDiffersError extends defineError({
  code: 'AICO_PLUGIN_NAME_DIFFERS',
  exit: 'plugin',
  make: (plugin: string, expected: string, module: string) => ({
    message: `the plugin at ${module} is named "${plugin}", and is listed here as "${expected}"`,
    hint: `Name the section plugins.${plugin} in the configuration, or the file or folder in the folder of plugins "${plugin}": settings are looked up by the plugin's own name.`,
    plugin,
  }),
}) {}

/** A change of one plugin of a backend that runs. */
export type PluginAction = 'reloaded' | 'enabled' | 'disabled';

/** No plugin has the name. */
export class PluginUnknownError extends defineError({
  code: 'AICO_PLUGIN_UNKNOWN',
  status: 404,
  make: (plugin: string, names: readonly string[]) => ({
    message: `there is no plugin "${plugin}"`,
    hint: `${suggestion(plugin, names)}\`aico plugin list\` shows the plugins that there are.`,
    plugin,
  }),
}) {}

/** A plugin cannot be changed in its present state. */
export class PluginStateError extends defineError({
  code: 'AICO_PLUGIN_STATE',
  status: 409,
  make: (plugin: string, action: PluginAction, state: string) => {
    const isDisabled = state === 'disabled';
    return {
      message: isDisabled
        ? `plugin "${plugin}" cannot be ${action}: it is disabled`
        : `plugin "${plugin}" cannot be ${action}: its state is "${state}", and it was not loaded from a module`,
      hint: isDisabled
        ? `Enable it: aico plugin enable ${plugin}`
        : 'Only a plugin that was loaded from a file, a folder or a package can be changed while the backend runs.',
      plugin,
      state,
    };
  },
}) {}

/** A plugin was not reloaded, enabled or disabled: it could not be loaded, or did not start. The earlier version keeps running. */
export class PluginChangeError extends defineError({
  code: 'AICO_PLUGIN_CHANGE',
  exit: 'plugin',
  status: 409,
  make: (plugin: string, action: PluginAction, cause: unknown, restoreFailure?: Error) => {
    const code = cause instanceof AicoError ? `${cause.code}: ` : '';
    const after =
      restoreFailure === undefined
        ? AFTER_FAILURE[action]
        : `and what ran before did not start again: ${reasonOf(restoreFailure)}`;
    return {
      message: `plugin "${plugin}" was not ${action}, ${after}. ${code}${reasonOf(cause)}`,
      hint: hintOf(cause) ?? `Correct the plugin, and do it again.`,
      cause,
      plugin,
    };
  },
}) {}

const AFTER_FAILURE = {
  reloaded: 'and its version before runs on',
  enabled: 'and stays disabled',
  disabled: 'and runs on',
} as const;

/** A plugin that others need was to be disabled. */
export class PluginNeededError extends defineError({
  code: 'AICO_PLUGIN_NEEDED',
  status: 409,
  /** @param fixed those of them that cannot be disabled */
  make: (plugin: string, needing: readonly string[], fixed: readonly string[]) => ({
    message: `plugin "${plugin}" cannot be disabled: ${needing.join(', ')} ${needing.length === 1 ? 'needs' : 'need'} it`,
    hint:
      fixed.length === 0
        ? `Disable these plugins too: aico plugin disable ${plugin} --dependents, or ?dependents=true over the API.`
        : `${fixed.join(', ')} cannot be disabled while the backend runs.`,
    plugin,
    needing,
  }),
}) {}

/** Plugins cannot be changed while the home is locked. */
export class PluginsLockedError extends defineError({
  code: 'AICO_PLUGIN_LOCKED',
  status: 503,
  hint: 'Unlock it: aico security unlock',
  make: () => ({ message: 'plugins cannot be changed while the home is locked' }),
}) {}
