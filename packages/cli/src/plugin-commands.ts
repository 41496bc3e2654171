import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ConfigurationManager } from '@aico/shared/core/config';
import type { Command } from 'commander';
import type { CommandContext } from './context.ts';
import { PluginCommandsError } from './errors.ts';
import type { PluginCommands } from './plugin.ts';

interface PluginPlace {
  readonly name: string;
  /** A file or folder of the plugin's package. */
  readonly place: string;
  readonly description?: string;
}

/**
 * Adds the commands of the plugin that `word` names, if one does. Plugins are known from the running backend, else
 * from the configuration.
 *
 * @throws {PluginCommandsError} when the plugin's commands cannot be loaded
 */
export async function addPluginCommands(
  program: Command,
  context: CommandContext,
  word: string,
): Promise<void> {
  const plugin = (await pluginsOf(context)).find(({ name }) => name === word);
  const entry = plugin === undefined ? undefined : cliEntry(plugin.place);
  if (plugin === undefined || entry === undefined) return;
  let commands: unknown;
  try {
    ({ commands } = await import(pathToFileURL(entry).href));
  } catch (error) {
    throw new PluginCommandsError(plugin.name, error);
  }
  if (!isPluginCommands(commands)) throw new PluginCommandsError(plugin.name, 'it exports no `commands`');
  const command = program.command(plugin.name);
  if (plugin.description !== undefined) command.description(plugin.description);
  commands.register(command, context);
}

async function pluginsOf(context: CommandContext): Promise<readonly PluginPlace[]> {
  const client = await context.client();
  try {
    const answer = await client.json('/api/v1/system/plugins');
    if (isPluginList(answer)) {
      return answer.plugins.map(({ module, ...rest }) => ({ ...rest, place: fileURLToPath(module) }));
    }
  } catch {
    // Not running, or starting: the configuration knows them too.
  }
  const config = new ConfigurationManager({ paths: context.paths });
  await config.initialize({ lightweight: true });
  return Object.keys(config.get('plugins', {}).toObject()).flatMap((name) => {
    const module = config.get(`plugins.${name}.module`, '');
    return module === '' ? [] : [{ name, place: path.resolve(module) }];
  });
}

/** The file behind `exports["./cli"]` of the package that `place` lies in. */
function cliEntry(place: string): string | undefined {
  if (!existsSync(place)) return undefined;
  let folder = statSync(place).isDirectory() ? place : path.dirname(place);
  while (!existsSync(path.join(folder, 'package.json'))) {
    const above = path.dirname(folder);
    if (above === folder) return undefined;
    folder = above;
  }
  const manifest: unknown = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
  const target = member(member(manifest, 'exports'), './cli');
  return typeof target === 'string' ? path.join(folder, target) : undefined;
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function isPluginCommands(value: unknown): value is PluginCommands {
  return typeof member(value, 'register') === 'function';
}

function isPluginList(
  value: unknown,
): value is { plugins: { name: string; module: string; description: string }[] } {
  const plugins = member(value, 'plugins');
  return Array.isArray(plugins) && plugins.every((plugin) => typeof member(plugin, 'module') === 'string');
}
