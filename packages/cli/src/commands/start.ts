import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Backend } from '@aico/backend';
import { ExitCode } from '@aico/backend/exit-codes';
import { type Command, Option } from 'commander';
import type { CommandContext, GlobalOptions } from '../context.ts';
import { type DetachedMessage, startDetached } from '../detached.ts';
import { exitCodeOf } from '../report-error.ts';

interface StartOptions {
  readonly detach?: boolean;
  readonly plugin: readonly string[];
  readonly passwordFile?: string;
  readonly ipc?: boolean;
}

export function register(program: Command, context: CommandContext): void {
  program
    .command('start')
    .description('start the backend, in the foreground; Ctrl-C stops it')
    .option('-d, --detach', 'start it in the background, and return when it is ready')
    .option('-p, --plugin <module>', 'load a plugin: a folder, a file or a package; repeatable', collect, [])
    .option('--password-file <file>', 'read the password from a file (its first line)')
    .addOption(new Option('--ipc', 'report to the process that started this one').hideHelp())
    .action((options: StartOptions) => start(context, options, program.opts<GlobalOptions>().home));
}

async function start(
  context: CommandContext,
  options: StartOptions,
  home: string | undefined,
): Promise<void> {
  const plugins = options.plugin.map((specifier) =>
    existsSync(specifier) ? path.resolve(specifier) : specifier,
  );
  if (options.detach === true) {
    const args = plugins.flatMap((plugin) => ['--plugin', plugin]);
    if (home !== undefined) args.push('--home', path.resolve(home));
    if (options.passwordFile !== undefined) args.push('--password-file', path.resolve(options.passwordFile));
    const ready = await startDetached(args);
    context.output.print(ready, () => `AICO runs in the background (pid ${ready.pid})\n${banner(ready)}`);
    return;
  }
  const { runBackend } = await import('@aico/backend');
  const run = (password: string | undefined): Promise<number> =>
    runBackend({
      home,
      plugins,
      overrides: {
        ...(password === undefined ? {} : { 'core.security.password': password }),
        // Nobody reads what a process in the background prints.
        ...(options.ipc === true ? { 'core.logging.console.enabled': false } : {}),
      },
      onReady: (backend) => announce(context, readyOf(backend), options.ipc === true),
    });
  try {
    process.exitCode = await run(await passwordFrom(options.passwordFile)).catch((error: unknown) =>
      wantsPassword(error) && process.stdin.isTTY && options.ipc !== true
        ? askPassword().then(run)
        : Promise.reject(error),
    );
  } catch (error) {
    if (options.ipc === true) tellParent({ kind: 'failed', ...failureOf(error) });
    throw error;
  }
  // Whatever a plugin left open must not keep a stopped backend alive.
  process.exit(process.exitCode ?? ExitCode.ok);
}

/** What a backend says of itself once it is ready. */
export interface ReadyInfo {
  readonly pid: number;
  readonly version: string;
  readonly environment: string;
  readonly socket: string;
  readonly http: string;
  readonly data: string;
  readonly keyFile: string | undefined;
  readonly plugins: readonly string[];
}

function readyOf({ paths, config, socket, http, plugins, keysMade, version }: Backend): ReadyInfo {
  return {
    pid: process.pid,
    version,
    environment: config.get('environment', 'development'),
    socket,
    http,
    data: paths.dataDir,
    keyFile: keysMade === 'key-file' ? paths.keyFile : undefined,
    plugins: plugins.map(({ definition }) => definition.name),
  };
}

function announce(context: CommandContext, ready: ReadyInfo, ipc: boolean): void {
  if (ipc) tellParent({ kind: 'ready', ready });
  else context.output.print(ready, () => `${banner(ready)}\n  Stop     Ctrl-C, or: npx aico stop`);
}

function banner(ready: ReadyInfo): string {
  const lines = [
    `AICO ${ready.version} is ready (${ready.environment})`,
    `  API      ${ready.socket} (this user only)`,
    `  Health   ${ready.http}/readyz`,
    `  Data     ${ready.data} (encrypted)`,
    `  Plugins  ${ready.plugins.join(', ') || 'none'}`,
  ];
  if (ready.keyFile !== undefined) {
    lines.push(
      `  Key      made ${ready.keyFile}: whoever can read this file can read the data.`,
      '           To protect a new home by a password instead, set AICO_CORE__SECURITY__PASSWORD at its first start.',
    );
  }
  return lines.join('\n');
}

function tellParent(message: DetachedMessage): void {
  process.send?.(message);
}

function failureOf(error: unknown): { message: string; hint: string | undefined; exitCode: number } {
  const hint =
    error instanceof Error && 'hint' in error && typeof error.hint === 'string' ? error.hint : undefined;
  return {
    message: error instanceof Error ? error.message : String(error),
    hint,
    exitCode: exitCodeOf(error),
  };
}

function wantsPassword(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && cause.code === 'AICO_KEY_NOT_GIVEN') return true;
  }
  return false;
}

async function askPassword(): Promise<string> {
  const { password } = await import('@inquirer/prompts');
  return password({ message: 'Password' });
}

async function passwordFrom(file: string | undefined): Promise<string | undefined> {
  return file === undefined ? undefined : (await readFile(file, 'utf8')).split(/\r?\n/, 1)[0];
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}
