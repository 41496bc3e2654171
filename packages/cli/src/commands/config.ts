import { resolve } from 'node:path';
import { ask } from '@aico/client/ask';
import { ExitCode } from '@aico/protocol';
import {
  type ConfigEntry,
  ConfigInvalidError,
  ConfigurationManager,
  describeOrigin,
  type Origin,
  validateConfiguration,
} from '@aico/shared/core/config';
import type { Command } from 'commander';
import { type CommandContext, QUICK_ANSWER_MS } from '../context.ts';
import { CommandFailedError } from '../errors.ts';
import { table } from '../terminal/output.ts';

export function register(program: Command, context: CommandContext): void {
  const config = program.command('config').description('read and check the configuration, running or not');
  config
    .command('get')
    .description('one value, or every value of a section')
    .argument('<key>', 'such as core.api_gateway.rest.port')
    .action((key: string) => get(context, key));
  config
    .command('list')
    .description('every key, its value and which layer it came from')
    .option('--live', 'as the running backend has it, with what was set at runtime')
    .action((options: { live?: boolean }) => list(context, options.live === true));
  config
    .command('validate')
    .description('check files and variables, or one file alone, without starting anything')
    .argument('[file]', 'a YAML file to check in place of the user’s')
    .action((file: string | undefined) => validate(context, file));
}

async function load({ paths }: CommandContext): Promise<ConfigurationManager> {
  const { coreSections } = await import('@aico/backend/config');
  const config = new ConfigurationManager({ paths, sections: coreSections });
  await config.initialize({ lightweight: true });
  return config;
}

async function get(context: CommandContext, key: string): Promise<void> {
  const config = await load(context);
  const entries = config.entries().filter((entry) => entry.key === key || entry.key.startsWith(`${key}.`));
  const [only] = entries;
  if (only === undefined) {
    throw new CommandFailedError(
      `there is no key ${key}`,
      ExitCode.failure,
      '`aico config list` shows every key.',
    );
  }
  if (only.key === key) context.output.print(only, ({ value }) => String(value));
  else context.output.print(entries, render);
}

async function list(context: CommandContext, live: boolean): Promise<void> {
  const entries = live ? await liveEntries(context) : (await load(context)).entries();
  context.output.print(entries, render);
}

async function liveEntries(context: CommandContext): Promise<readonly ConfigEntry[]> {
  return (await ask(await context.client(QUICK_ANSWER_MS), 'get', '/api/v1/system/config', {})).entries;
}

async function validate(context: CommandContext, file: string | undefined): Promise<void> {
  const { coreSections } = await import('@aico/backend/config');
  const problems = await validateConfiguration({
    paths: context.paths,
    sections: coreSections,
    ...(file === undefined ? {} : { file: resolve(file) }),
  });
  if (problems.length > 0) throw new ConfigInvalidError(problems);
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
