import { findPackageJSON } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ask, type ReplyOf } from '@aico/client/ask';
import type { SecurityEvent } from '@aico/shared/data/audit';
import type { Command } from 'commander';
import { moduleArgument } from '../argument-values.ts';
import { type CommandContext, QUICK_ANSWER_MS } from '../context.ts';
import { CommandFailedError, UsageError } from '../errors.ts';
import type { FoundPackage } from '../plugins/found-packages.ts';
import type { PluginAtRest } from '../plugins/home-plugins.ts';
import { coloured, table } from '../terminal/table.ts';

type PluginView = ReplyOf<'get', '/api/v1/plugins/{name}'>;

export function register(program: Command, context: CommandContext): void {
  const plugin = program.command('plugin').description('make, list, add, change and remove plugins');
  plugin
    .command('list')
    .description('every plugin with its state, version and module, and the packages that offer one')
    .action(() => list(context));
  plugin
    .command('info')
    .argument('<name>')
    .description('one plugin: what it needs, opens and offers, and the last change that failed')
    .action((name: string) => info(context, name));
  plugin
    .command('new')
    .argument('<name>', 'lower-case letters, digits, "-" and "_"')
    .option('--folder <dir>', 'the folder for it (default: one of its name in the current folder)')
    .description('make the package of a new plugin, with tests')
    .action(async (name: string, options: { readonly folder?: string }) => {
      const { newPlugin } = await import('./plugin-new.ts');
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
  plugin
    .command('enable')
    .argument('<name>', 'a plugin, or a package that offers one')
    .description('run a plugin, now and at every start')
    .action((name: string) => enable(context, name));
  plugin
    .command('disable')
    .argument('<name>')
    .option('--dependents', 'disable the plugins that need it too, until the next start')
    .description('stop a plugin, now and at every start; its data stays')
    .action((name: string, { dependents = false }: { readonly dependents?: boolean }) =>
      disable(context, name, dependents),
    );
  plugin
    .command('reload')
    .argument('<name>')
    .description('take changed code of a plugin into the running backend')
    .action((name: string) => reload(context, name));
}

async function list(context: CommandContext): Promise<void> {
  const plugins = await known(context, QUICK_ANSWER_MS);
  const found = await foundBeside(context, plugins);
  context.output.print({ plugins, found }, () => {
    if (plugins.length + found.length === 0)
      return 'There is no plugin. Make one with `aico plugin new NAME`, add one with `aico plugin add PATH`, or load it once with `aico start --plugin PATH`.';
    return table(
      ['plugin', 'state', 'version', 'description', 'module'],
      [
        ...plugins.map((each) => [
          each.name,
          coloured(each.state) +
            ('runs' in each && each.runs === 'one-node' && !each.isActive ? ' (standby)' : ''),
          each.version,
          each.description,
          each.module,
        ]),
        ...found.map((each) => [
          each.name,
          'found, not enabled',
          each.version,
          each.description,
          each.folder,
        ]),
      ],
    );
  });
}

async function info(context: CommandContext, name: string): Promise<void> {
  const plugins = await known(context, QUICK_ANSWER_MS);
  const plugin = plugins.find((each) => each.name === name) ?? (await foundNamed(context, name));
  if (plugin === undefined) throw await unknown(context, name, plugins);
  context.output.print(plugin, (shown) =>
    table(
      ['plugin', name],
      Object.entries(shown).flatMap(([key, value]) => {
        const text = textOf(value);
        return key === 'name' || text === '' ? [] : [[key, text]];
      }),
    ),
  );
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (Array.isArray(value)) return value.join(', ');
  if (typeof value !== 'object') return String(value);
  return Object.entries(value)
    .map(([key, each]) => `${key}: ${String(each)}`)
    .join('; ');
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
  if (isNew) await record(context, { action: 'plugin.added', subject: name, details: { module } });
  context.output.print({ name, module, added: isNew }, () =>
    isNew
      ? `Added ${name}: it is loaded from the next start on, and now by \`aico plugin enable ${name}\`. Its commands, if it has any: aico ${name} …`
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
  const isRemoved = await setModule(context, name, undefined);
  const plugins = isRemoved ? [] : await atRestAll(context);
  if (!isRemoved && plugins.every((plugin) => plugin.name !== name))
    throw await unknown(context, name, plugins);
  if (!isRemoved)
    throw new CommandFailedError(
      `${context.paths.configFile} names no plugin "${name}"`,
      1,
      '`aico config list` shows which file or variable a key comes from.',
    );
  await record(context, { action: 'plugin.removed', subject: name });
  context.output.print({ removed: name }, () => `Removed ${name}: it is not loaded from the next start on.`);
}

async function enable(context: CommandContext, name: string): Promise<void> {
  onThisMachine(context);
  const { adding, switching } = await import('../plugins/switch.ts');
  const plugins = await known(context);
  const change = (called: string) => changeRunning(context, 'enable', called);
  const isPlugin = plugins.some((plugin) => plugin.name === name);
  const found = isPlugin ? undefined : await foundNamed(context, name);
  if (isPlugin)
    await report(context, name, 'enabled', await switching(context.paths, name, true, () => change(name)));
  else if (found !== undefined)
    await adding(context.paths, found, async (called) =>
      report(context, called, 'enabled', await change(called)),
    );
  else throw await unknown(context, name, plugins);
}

async function disable(context: CommandContext, name: string, dependents: boolean): Promise<void> {
  onThisMachine(context);
  const { switching } = await import('../plugins/switch.ts');
  const plugins = await known(context);
  if (plugins.every((plugin) => plugin.name !== name)) throw await unknown(context, name, plugins);
  const change = () => changeRunning(context, 'disable', name, dependents);
  await report(context, name, 'disabled', await switching(context.paths, name, false, change));
}

async function reload(context: CommandContext, name: string): Promise<void> {
  const client = await context.client();
  const plugin = await ask(client, 'post', '/api/v1/plugins/{name}/reload', { path: { name } });
  context.output.print(plugin, ({ state, version }) => `${name} ${version} was reloaded: ${coloured(state)}`);
}

/** Tells the backend of a change of the configuration. @returns `undefined` when none runs */
async function changeRunning(
  context: CommandContext,
  action: 'enable' | 'disable',
  name: string,
  dependents = false,
): Promise<PluginView | undefined> {
  const asked = { path: { name } };
  return whereItRuns(async () => {
    const client = await context.client();
    if (action === 'enable') return ask(client, 'post', '/api/v1/plugins/{name}/enable', asked);
    return ask(client, 'post', '/api/v1/plugins/{name}/disable', { ...asked, query: { dependents } });
  });
}

async function report(
  context: CommandContext,
  name: string,
  done: 'enabled' | 'disabled',
  plugin: PluginView | undefined,
): Promise<void> {
  // A running backend has recorded the change.
  if (plugin === undefined) await record(context, { action: `plugin.${done}`, subject: name });
  context.output.print({ name, [done]: true, state: plugin?.state }, () =>
    plugin === undefined
      ? `${name} is ${done} from the next start on: no backend runs.`
      : `${name} is ${done}, now and at every start: ${coloured(plugin.state)}`,
  );
}

async function record(context: CommandContext, event: SecurityEvent): Promise<void> {
  const { recordEvent } = await import('../security/audit.ts');
  await recordEvent(context, event);
}

/** The plugins of the running backend, and those that it has not loaded since they were added after its start. */
async function known(
  context: CommandContext,
  timeoutMs?: number,
): Promise<readonly (PluginView | PluginAtRest)[]> {
  if (context.via !== undefined) return loadedBy(context, timeoutMs);
  const loaded = (await whereItRuns(() => loadedBy(context, timeoutMs))) ?? [];
  const names = new Set(loaded.map(({ name }) => name));
  return [...loaded, ...(await atRestAll(context)).filter(({ name }) => !names.has(name))];
}

async function loadedBy(context: CommandContext, timeoutMs?: number): Promise<readonly PluginView[]> {
  const client = await context.client(timeoutMs);
  return (await ask(client, 'get', '/api/v1/plugins', {})).plugins;
}

/** @returns `undefined` when no backend runs on this machine */
async function whereItRuns<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'AICO_CLIENT_NOT_RUNNING')
      return undefined;
    throw error;
  }
}

async function atRestAll({ paths }: CommandContext): Promise<readonly PluginAtRest[]> {
  const { atRest, homePlugins } = await import('../plugins/home-plugins.ts');
  return Promise.all((await homePlugins(paths)).sources.map(atRest));
}

/** The packages with a plugin that is not in `plugins`. */
async function foundBeside(
  { paths, via }: CommandContext,
  plugins: readonly { readonly module: string }[],
): Promise<readonly FoundPackage[]> {
  if (via !== undefined) return [];
  const { foundPackages } = await import('../plugins/found-packages.ts');
  const found = await foundPackages([process.cwd(), paths.configDir, paths.pluginsDir]);
  const modules = plugins.map(({ module }) => (module.startsWith('file:') ? fileURLToPath(module) : module));
  return found.filter(
    ({ folder }) => !modules.some((module) => module === folder || module.startsWith(folder + path.sep)),
  );
}

async function foundNamed(context: CommandContext, name: string): Promise<FoundPackage | undefined> {
  const { isCalled } = await import('../plugins/found-packages.ts');
  return (await foundBeside(context, [])).find((each) => isCalled(each, name));
}

async function unknown(
  context: CommandContext,
  name: string,
  plugins: readonly { readonly name: string }[],
): Promise<Error> {
  const { PluginUnknownError } = await import('@aico/backend/plugin-errors');
  const names = [...plugins, ...(await foundBeside(context, []))].map((each) => each.name);
  return new PluginUnknownError(name, names);
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
      'the plugins of a machine can only be changed on it',
      'Run the command there, without --via.',
    );
}
