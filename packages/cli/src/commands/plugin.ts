import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { coloured, table } from '../output.ts';

interface PluginView {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly priority: number;
  readonly state: string;
  readonly required: boolean;
  readonly module: string;
}

export function register(program: Command, context: CommandContext): void {
  program
    .command('plugin')
    .description('list the loaded plugins')
    .command('list')
    .description('every plugin that is loaded: state, version, where its code lies')
    .action(async () => {
      const answer = await (await context.client()).json('/api/v1/system/plugins');
      context.output.print(answer as { plugins: readonly PluginView[] }, ({ plugins }) =>
        plugins.length === 0
          ? 'No plugin is loaded. Load one with `aico start --plugin PATH`.'
          : table(
              ['plugin', 'state', 'version', 'priority', 'description', 'module'],
              plugins.map(({ name, state, version, priority, description, module }) => [
                name,
                coloured(state),
                version,
                priority,
                description,
                module,
              ]),
            ),
      );
    });
}
