import { ask } from '@aico/client/ask';
import { ExitCode } from '@aico/protocol';
import {
  type ConfigEntry,
  ConfigInvalidError,
  type ConfigProblem,
  ConfigurationManager,
  describeOrigin,
  type Origin,
} from '@aico/shared/core/config';
import type { Command } from 'commander';
import { collected, pathArgument } from '../argument-values.ts';
import { type CommandContext, QUICK_ANSWER_MS } from '../context.ts';
import { CommandFailedError } from '../errors.ts';
import { table } from '../terminal/table.ts';

export function register(program: Command, context: CommandContext): void {
  const config = program.command('config').description('read and check the configuration, running or not');
  config
    .command('get')
    .description('one value, or every value of a section')
    .argument('<key>', 'such as core.api_gateway.rest.port')
    .action((key: string) => get(context, key));
  config
    .command('list')
    .description('every key, its value and its origin')
    .option('--live', 'ask the running backend, including the values set at runtime')
    .action((options: { live?: boolean }) => list(context, options.live === true));
  config
    .command('validate')
    .description(
      'check files, variables and the sections of plugins as a start does, without starting anything',
    )
    .argument('[file]', 'a YAML file to check instead of the user’s')
    .option('-p, --plugin <module>', 'check the section of this plugin too; repeatable', collected, [])
    .action((file: string | undefined, { plugin }: { readonly plugin: readonly string[] }) =>
      validate(context, file, plugin),
    );
}

/** The configuration including its errors, so that the valid part can be read. */
async function read({ paths }: CommandContext): Promise<ConfigurationManager> {
  const { coreSections } = await import('@aico/backend/config');
  const config = new ConfigurationManager({ paths, sections: coreSections });
  await config.initialize({ lightweight: true });
  return config;
}

/**
 * The configuration with the defaults of plugins, which their code declares.
 *
 * @throws the error of a plugin that cannot be loaded, if nothing sets the key
 */
async function readWithPlugins(context: CommandContext, key: string): Promise<ConfigurationManager> {
  const { readConfiguration } = await import('@aico/backend/configuration');
  try {
    return (await readConfiguration({ paths: context.paths })).config;
  } catch (error) {
    const config = await read(context);
    if (error instanceof ConfigInvalidError || config.entries().every((entry) => entry.key !== key))
      throw error;
    return config;
  }
}

/** @throws {ConfigInvalidError} if there is an error at the key, so that the value differs from the one that was set */
async function get(context: CommandContext, key: string): Promise<void> {
  const config = await (/^plugins(?:\.|$)/.test(key) ? readWithPlugins(context, key) : read(context));
  const wrong = config.problems.filter((problem) => concerns(problem, key));
  if (wrong.length > 0) throw new ConfigInvalidError(wrong);
  const entries = config.entries().filter((entry) => entry.key === key || entry.key.startsWith(`${key}.`));
  const [only] = entries;
  if (only === undefined) {
    const nearest = config.nearestKey(key);
    throw new CommandFailedError(
      `there is no key ${key}`,
      ExitCode.failure,
      nearest === undefined ? '`aico config list` shows every key.' : `Did you mean ${nearest}?`,
    );
  }
  if (only.key === key) context.output.print(only, ({ value }) => shown(value));
  else context.output.print(entries, render);
}

function concerns(problem: ConfigProblem, key: string): boolean {
  return (
    // A file that cannot be read may contain any key.
    problem.key === '' ||
    problem.key === key ||
    problem.key.startsWith(`${key}.`) ||
    key.startsWith(`${problem.key}.`)
  );
}

/** @throws after the list is printed, if a key has its default instead of the value that was set, or a plugin cannot be loaded */
async function list(context: CommandContext, live: boolean): Promise<void> {
  if (live) {
    const client = await context.client(QUICK_ANSWER_MS);
    context.output.print((await ask(client, 'get', '/api/v1/system/config', {})).entries, render);
    return;
  }
  const { readConfiguration } = await import('@aico/backend/configuration');
  let failure: unknown;
  const config = await readConfiguration({ paths: context.paths }).then(
    (read) => read.config,
    (error: unknown) => {
      failure = error;
      return read(context);
    },
  );
  context.output.print(config.entries(), render);
  if (failure !== undefined) throw failure;
}

async function validate(
  context: CommandContext,
  file: string | undefined,
  plugins: readonly string[],
): Promise<void> {
  const { readConfiguration } = await import('@aico/backend/configuration');
  await readConfiguration({
    paths: context.paths,
    plugins,
    ...(file === undefined ? {} : { configFile: pathArgument(file) }),
  });
  context.output.print({ valid: true }, () => 'The configuration is valid.');
}

function render(entries: readonly ConfigEntry[]): string {
  return table(
    ['key', 'value', 'from'],
    entries.map(({ key, value, origin }) => [key, shown(value), from(origin)]),
  );
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function from(origin: Origin): string {
  return origin.layer === 'environment variable' ? origin.variable : describeOrigin(origin);
}
