import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';

export type { CommandContext } from '../context.ts';
export type { Output, Progress } from '../terminal/output.ts';

/**
 * Commands a plugin adds to `aico`. Its package exports them as `commands` from `./cli`; they run in the command
 * line's own process and reach the plugin over the API, so that they also work from another machine.
 *
 * @example
 * ```ts
 * export const commands: PluginCommands = {
 *   register(command, context) {
 *     command.command('count').action(async () => {
 *       const client = await context.client();
 *       context.output.print(await client.json('/api/v1/inbox/stats'), (stats) => String(stats));
 *     });
 *   },
 * };
 * ```
 */
export interface PluginCommands {
  /** Adds subcommands to `command`, which is `aico <plugin name>`. */
  register(command: Command, context: CommandContext): void;
}
