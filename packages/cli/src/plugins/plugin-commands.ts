import { pathToFileURL } from 'node:url';
import type { PluginCommands } from '@aico/backend/plugin';
import { findPlugin, pluginExport } from '@aico/backend/plugin-module';
import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { PluginCommandsError } from '../errors.ts';

/** Milliseconds to wait for the answer of a running backend before the configuration is read instead. */
const ANSWER_MS = 3_000;

interface PluginPlace {
  readonly name: string;
  /** A file or folder of the plugin's package, or its `file:` URL, or the name of an installed package. */
  readonly module: string;
  readonly description?: string;
  /** The folder against which a relative `module` or a package is resolved. */
  readonly from?: string;
}

/**
 * Adds the commands of the plugin that `word` names. The list of plugins comes from the running backend, or else from the
 * configuration. For other plugins only the names are added, so that the parser can suggest one for a misspelt word.
 *
 * @throws {PluginCommandsError} when the plugin's commands cannot be loaded
 */
export async function addPluginCommands(
  program: Command,
  context: CommandContext,
  word: string,
): Promise<void> {
  for (const { name, module, description, from = process.cwd() } of await pluginsOf(context)) {
    const entry = await entryOfCommands(name, module, from);
    if (entry === undefined) continue;
    const command = program.command(name);
    if (description !== undefined) command.description(description);
    if (name === word) (await loadCommands(name, entry)).register(command, context);
  }
}

async function pluginsOf(context: CommandContext): Promise<readonly PluginPlace[]> {
  // Paths of a backend elsewhere are those of its own machine, and it must not choose which code runs here.
  if (context.via !== undefined) return configuredPlugins(context);
  return (await runningPlugins(context)) ?? configuredPlugins(context);
}

async function runningPlugins(context: CommandContext): Promise<readonly PluginPlace[] | undefined> {
  const client = await context.client();
  try {
    const answer = await client.json('/api/v1/plugins', { signal: AbortSignal.timeout(ANSWER_MS) });
    return isPluginList(answer) ? answer.plugins : undefined;
  } catch {
    // No backend answers. The configuration names plugins as well, and the command itself reports the failure.
    return undefined;
  }
}

async function configuredPlugins({ paths }: CommandContext): Promise<readonly PluginPlace[]> {
  const [{ ConfigurationManager }, { pluginSources }] = await Promise.all([
    import('@aico/shared/core/config'),
    import('@aico/backend/plugin-sources'),
  ]);
  const config = new ConfigurationManager({ paths });
  await config.initialize({ lightweight: true });
  const sources = await pluginSources({ config, pluginsDir: paths.pluginsDir, baseDir: process.cwd() });
  return sources.map(({ name, specifier, from }) => ({ name, module: specifier, from }));
}

async function loadCommands(name: string, entry: string): Promise<PluginCommands> {
  let commands: unknown;
  try {
    ({ commands } = await import(pathToFileURL(entry).href));
  } catch (error) {
    throw new PluginCommandsError(name, error);
  }
  if (!isPluginCommands(commands)) throw new PluginCommandsError(name, 'it exports no `commands`');
  return commands;
}

/** The file that the plugin's package exports as `./cli`, if it has one. */
async function entryOfCommands(name: string, module: string, from: string): Promise<string | undefined> {
  try {
    return await pluginExport(await findPlugin(module, from), './cli');
  } catch (error) {
    // A plugin that is not installed on this machine has no commands here.
    if (error instanceof Error && 'code' in error && error.code === 'AICO_PLUGIN_NOT_FOUND') return undefined;
    throw new PluginCommandsError(name, error);
  }
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function isPluginCommands(value: unknown): value is PluginCommands {
  return typeof member(value, 'register') === 'function';
}

function isPluginList(value: unknown): value is { plugins: PluginPlace[] } {
  const plugins = member(value, 'plugins');
  return Array.isArray(plugins) && plugins.every((plugin) => typeof member(plugin, 'module') === 'string');
}
