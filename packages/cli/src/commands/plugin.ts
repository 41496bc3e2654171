import { existsSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ask } from '@aico/client/ask';
import type { Command } from 'commander';
import { type CommandContext, QUICK_ANSWER_MS } from '../context.ts';
import { CommandFailedError, UsageError } from '../errors.ts';
import { coloured, table } from '../terminal/output.ts';

export function register(program: Command, context: CommandContext): void {
  const plugin = program.command('plugin').description('list, add and remove plugins');
  plugin
    .command('list')
    .description('every plugin that is loaded: state, version, where its code lies')
    .action(() => list(context));
  plugin
    .command('add')
    .argument('<module>', 'a folder, a file or a package')
    .description('load a plugin at every start, and have its commands on this machine')
    .action((module: string) => add(context, module));
  plugin
    .command('remove')
    .argument('<name>')
    .description('load it no more; its data stays')
    .action((name: string) => remove(context, name));
}

async function list(context: CommandContext): Promise<void> {
  const answer = await ask(await context.client(QUICK_ANSWER_MS), 'get', '/api/v1/system/plugins', {});
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

/** Its code is run to learn its name, here, where whoever calls this wants it run. */
async function add(context: CommandContext, specifier: string): Promise<void> {
  onThisMachine(context);
  const isPath = existsSync(specifier);
  const { loadPlugin } = await import('@aico/backend/host');
  const loaded = await loadPlugin(isPath ? path.resolve(specifier) : specifier, process.cwd());
  const { name } = loaded.definition;
  // A full path: a start finds it from whatever folder it is called in, and so does a service manager.
  const module = isPath ? path.resolve(specifier) : folderOf(loaded.module);
  const isNew = await setModule(context, name, module);
  context.output.print({ name, module, added: isNew }, () =>
    isNew
      ? `Added ${name}: loaded from the next start on. If it has commands, they are here: aico ${name} …`
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
  context.output.print({ removed: name }, () => `Removed ${name}: not loaded from the next start on.`);
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
    throw new UsageError('what a machine loads is said on that machine', 'Run it there, without --via.');
}
