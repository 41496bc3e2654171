import { readFileSync } from 'node:fs';
import { parseJson } from '@aico/protocol';
import { Command } from 'commander';
import type { CommandContext } from './context.ts';
import { write } from './terminal/output.ts';

/** The module of a command, which adds itself to the program. */
interface CommandModule {
  register(program: Command, context: CommandContext): void;
}

const { version } = parseJson(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

interface OwnCommand {
  readonly summary: string;
  readonly load: () => Promise<CommandModule>;
  /**
   * Whether `--via` applies: to the whole command, or to the listed subcommands. It applies if a command only talks to a
   * backend.
   */
  readonly takesVia?: true | readonly string[];
}

/** Every built-in command with its line in the help and its module, which is loaded only when it is called. */
const COMMANDS: Readonly<Record<string, OwnCommand>> = {
  start: { summary: 'start the backend, in the foreground', load: () => import('./commands/start.ts') },
  stop: { summary: 'stop the running backend', load: () => import('./commands/stop.ts') },
  status: {
    summary: 'the state of each service, and how long it took to start',
    load: () => import('./commands/status.ts'),
    takesVia: true,
  },
  health: { summary: 'run every health check', load: () => import('./commands/health.ts'), takesVia: true },
  request: {
    summary: 'send one request to the API',
    load: () => import('./commands/request.ts'),
    takesVia: true,
  },
  config: { summary: 'read and check the configuration', load: () => import('./commands/config.ts') },
  logs: {
    summary: 'read the log from the encrypted table',
    load: () => import('./commands/logs.ts'),
    // The file of an archive is on the machine of the backend.
    takesVia: ['tail', 'ls', 'grep', 'cat', 'export', 'stat', 'rm', 'level'],
  },
  audit: {
    summary: 'read and check the trail of security-relevant events',
    load: () => import('./commands/audit.ts'),
    takesVia: true,
  },
  bus: {
    summary: 'use the message bus and grant access to it',
    load: () => import('./commands/bus.ts'),
    takesVia: true,
  },
  db: {
    summary: 'inspect, back up and restore the encrypted database',
    load: () => import('./commands/db.ts'),
    takesVia: ['status', 'stats', 'vacuum', 'check', 'query'],
  },
  security: { summary: 'see and change what opens the keys', load: () => import('./commands/security.ts') },
  device: {
    summary: 'pair, list and revoke devices',
    load: () => import('./commands/device.ts'),
    takesVia: true,
  },
  node: {
    summary: 'the machines that run this home together: invite, join, list, remove',
    load: () => import('./commands/node.ts'),
    takesVia: ['list'],
  },
  proxy: {
    summary: 'open a local port for curl and other tools',
    load: () => import('./commands/proxy.ts'),
    takesVia: true,
  },
  ui: {
    summary: 'open a page that shows and steers the backend',
    load: () => import('./commands/ui.ts'),
    takesVia: true,
  },
  plugin: {
    summary: 'make, list, add and remove plugins',
    load: () => import('./commands/plugin.ts'),
    takesVia: true,
  },
};

/** The program without its commands: the common options and rules. */
export function createProgram(): Command {
  return (
    new Command('aico')
      .description("AICO's backend: private, local-first, encrypted")
      .version(version, '-V, --version', 'print the version')
      .option('--home <dir>', 'the folder that holds everything (instead of AICO_HOME)')
      .option('--json', 'answer in JSON')
      .option('--via <backend>', 'the name or address of a backend elsewhere, see `aico device join`')
      .showSuggestionAfterError()
      // Errors are reported in one place and one form; names and descriptions of plugins are foreign text.
      .configureOutput({ writeOut: (text) => write(process.stdout, text), outputError: () => {} })
      .configureHelp({ showGlobalOptions: true })
      .exitOverride()
  );
}

/** Adds the names of all commands, for help. */
export function describeCommands(program: Command): void {
  for (const [name, { summary }] of Object.entries(COMMANDS)) program.command(name).description(summary);
}

/** Adds every command. Only the one called `word` is loaded; the others have a line in the help. */
export async function addCommands(
  program: Command,
  context: CommandContext,
  word: string | undefined,
): Promise<void> {
  for (const [name, { summary, load }] of Object.entries(COMMANDS)) {
    if (name === word) (await load()).register(program, context);
    else program.command(name).description(summary);
  }
}

/** Whether `--via` applies to a command, or to its subcommand `below`. It applies to all commands of plugins. */
export function takesVia(word: string, below?: string): boolean {
  if (!isOwnCommand(word)) return true;
  const taken = COMMANDS[word]?.takesVia ?? false;
  if (typeof taken === 'boolean') return taken;
  return below === undefined || taken.includes(below);
}

/** Whether `word` is a built-in command and not a plugin's. */
export function isOwnCommand(word: string): boolean {
  return Object.hasOwn(COMMANDS, word);
}

/** The parts of a command line that are read before it is parsed. */
export interface CommandPath {
  /** The word that names the command; for `help NAME`, the name. */
  readonly word: string | undefined;
  readonly home: string | undefined;
  readonly via: string | undefined;
}

/** Finds the command, which is the first word that is neither an option nor its value, and the values of `--home` and `--via`. */
export function commandPath(words: readonly string[]): CommandPath {
  let word: string | undefined;
  const values: { home?: string | undefined; via?: string | undefined } = {};
  for (let index = 0; index < words.length; index += 1) {
    const current = words[index] ?? '';
    if (current === '--') break;
    const [, name, value] = /^--(home|via)(?:=(.*))?$/s.exec(current) ?? [];
    if (name === 'home' || name === 'via') {
      if (value === undefined) index += 1;
      values[name] = value ?? words[index];
    } else if (!current.startsWith('-') && (word === undefined || word === 'help')) word = current;
  }
  return { word: word === 'help' ? undefined : word, home: values.home, via: values.via };
}
