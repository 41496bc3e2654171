import { findPackageJSON } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ask } from '@aico/client/ask';
import type { Command } from 'commander';
import { moduleArgument } from '../argument-values.ts';
import { type CommandContext, QUICK_ANSWER_MS } from '../context.ts';
import { CommandFailedError, UsageError } from '../errors.ts';
import { coloured, table } from '../terminal/table.ts';

export function register(program: Command, context: CommandContext): void {
  const plugin = program.command('plugin').description('make, list, add and remove plugins');
  plugin
    .command('list')
    .description('every plugin that is loaded: its state, version and module')
    .action(() => list(context));
  plugin
    .command('new')
    .argument('<name>', 'lower-case letters, digits, "-" and "_"')
    .option('--folder <dir>', 'the folder for it (default: one of its name in the current folder)')
    .description('make the package of a new plugin, with tests')
    .action(async (name: string, options: { readonly folder?: string }) => {
      const { newPlugin } = await import('../plugins/new-command.ts');
      const commands = ['help', ...program.commands.map((command) => command.name())];
      await newPlugin(context, name, options, commands);
    });
  plugin
    .command('add')
    .argument('<module>', 'a folder, a file or a package')
    .description('load a plugin at every start, and use its commands on this machine')
    .action((module: string) => add(context, module));
  plugin
    .command('remove')
    .argument('<name>')
    .description('stop loading a plugin; its data stays')
    .action((name: string) => remove(context, name));
}

async function list(context: CommandContext): Promise<void> {
  const answer = await ask(await context.client(QUICK_ANSWER_MS), 'get', '/api/v1/plugins', {});
  context.output.print(answer, ({ plugins }) =>
    plugins.length === 0
      ? 'No plugin is loaded. Add one with `aico plugin add PATH`, or load it once with `aico start --plugin PATH`.'
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
}

/** Runs the plugin's module, which states the plugin's name, on this machine, where it is to be used. */
async function add(context: CommandContext, specifier: string): Promise<void> {
  onThisMachine(context);
  const named = moduleArgument(specifier);
  const { loadPlugin } = await import('@aico/backend/host');
  const loaded = await loadPlugin(named, process.cwd());
  const { name } = loaded.definition;
  // A full path, so that a start finds it from any current folder, and a service manager does too.
  const module = path.isAbsolute(named) ? named : folderOf(loaded.module);
  const isNew = await setModule(context, name, module);
  context.output.print({ name, module, added: isNew }, () =>
    isNew
      ? `Added ${name}: it is loaded from the next start on. Its commands, if it has any: aico ${name} …`
      : `${name} is there already, from ${module}.`,
  );
}

/** The folder of the package that a module belongs to. */
function folderOf(module: string): string {
  const manifest = findPackageJSON(module);
  return path.dirname(manifest ?? fileURLToPath(module));
}

async function remove(context: CommandContext, name: string): Promise<void> {
  onThisMachine(context);
  if (!(await setModule(context, name, undefined)))
    throw new CommandFailedError(
      `${context.paths.configFile} names no plugin "${name}"`,
      1,
      '`aico config list` shows which file or variable a key comes from.',
    );
  context.output.print({ removed: name }, () => `Removed ${name}: it is not loaded from the next start on.`);
}

async function setModule(
  { paths }: CommandContext,
  name: string,
  module: string | undefined,
): Promise<boolean> {
  const { editConfigFile } = await import('@aico/shared/core/config');
  return editConfigFile(paths.configFile, ['plugins', name, 'module'], module);
}

function onThisMachine({ via }: CommandContext): void {
  if (via !== undefined)
    throw new UsageError(
      'a machine is told on itself what it loads',
      'Run the command there, without --via.',
    );
}
