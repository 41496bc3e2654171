import type { Backend, Ending, RunBackendOptions } from '@aico/backend/host';
import { leaveAtOnce } from '@aico/backend/leave';
import { startEngineWorker } from '@aico/shared/data/engine-worker';
import { type Command, Option } from 'commander';
import { collected, moduleArgument } from '../argument-values.ts';
import type { CommandContext } from '../context.ts';
import { UsageError } from '../errors.ts';
import { describeError } from '../report-error.ts';
import { readSecret } from '../security/secret-files.ts';
import { startDetached, tellParent } from '../start/detached.ts';
import { banner, endingText, readyInfoOf } from '../start/ready-info.ts';
import { startWantsPassword } from '../start/wanted-password.ts';
import { askSecret, canAsk } from '../terminal/prompts.ts';

interface StartOptions {
  readonly detach?: boolean;
  readonly plugin: readonly string[];
  readonly watch?: boolean;
  readonly passwordFile?: string;
  readonly ipc?: boolean;
}

interface StartRequest {
  readonly home: string | undefined;
  readonly plugins: readonly string[];
}

export function register(program: Command, context: CommandContext): void {
  program
    .command('start')
    .description('start the backend, in the foreground; Ctrl-C stops it')
    .option('-d, --detach', 'start it in the background, and return when it is ready')
    .option(
      '-p, --plugin <module>',
      'load a plugin: a folder, a file or a package; repeatable',
      collected,
      [],
    )
    .option('-w, --watch', 'reload a plugin when its files change')
    .option('--password-file <file>', 'read the password from the first line of a file; - reads the input')
    .addOption(new Option('--ipc', 'report to the process that started this one').hideHelp())
    .action(async (options: StartOptions) => {
      // A full path, since the suggested commands may be run in another folder.
      const request = { home: context.paths.home, plugins: options.plugin.map(moduleArgument) };
      const password = await passwordFor(context, options);
      if (options.detach === true && options.watch === true)
        throw new UsageError('--watch reports to the terminal', 'Leave out --detach.');
      if (options.detach === true) await detach(context, request, password);
      else if (options.ipc === true) await runForParent(request, password);
      else await runInForeground(context, request, password, options.watch === true);
    });
}

/** The password that was given, or typed at a terminal if the start needs one. */
async function passwordFor(
  { paths }: CommandContext,
  { passwordFile, ipc }: StartOptions,
): Promise<string | undefined> {
  if (passwordFile !== undefined) return readSecret(passwordFile, 'password');
  return ipc !== true && canAsk() && (await startWantsPassword(paths)) ? askSecret('Password') : undefined;
}

async function detach(
  context: CommandContext,
  { home, plugins }: StartRequest,
  password: string | undefined,
): Promise<void> {
  const args = plugins.flatMap((plugin) => ['--plugin', plugin]);
  if (home !== undefined) args.push('--home', home);
  const ready = await startDetached(args, password);
  context.output.print(ready, () =>
    [`AICO runs in the background (pid ${ready.pid})`, banner(ready, { home, isForeground: false })].join(
      '\n',
    ),
  );
}

async function runInForeground(
  context: CommandContext,
  request: StartRequest,
  password: string | undefined,
  watch: boolean,
): Promise<void> {
  const onReady = (backend: Backend): void => {
    context.output.print(readyInfoOf(backend), (ready) =>
      banner(ready, { home: request.home, isForeground: true }),
    );
    if (watch) void watchPlugins(context, backend);
  };
  const onStopped = (ending: Ending): void => context.output.note(endingText(ending));
  const exitCode = await run(request, password, {}, { onReady, onStopped });
  // A resource that a plugin left open must not keep a stopped backend alive.
  leaveAtOnce(exitCode);
}

async function watchPlugins({ output }: CommandContext, { pluginManager }: Backend): Promise<void> {
  const failed = (plugin: string, error: unknown): void => {
    const { message, hint } = describeError(error);
    output.note([`${plugin}: ${message}`, ...(hint === undefined ? [] : [`  ${hint}`])].join('\n'));
  };
  try {
    await pluginManager.watch({
      reloaded: (plugin, ms) => output.note(`${plugin} was reloaded in ${Math.round(ms)} ms`),
      failed,
    });
  } catch (error) {
    failed('--watch', error);
  }
}

/** Runs the process behind `start --detach`: reports to the parent process instead of printing. */
async function runForParent(request: StartRequest, password: string | undefined): Promise<void> {
  let isReady = false;
  // The command that asked for this start has ended without an answer: an unknown backend must not stay.
  const abandon = (): void => {
    if (!isReady) process.kill(process.pid, 'SIGTERM');
  };
  process.once('disconnect', abandon);
  if (process.connected === false) abandon();
  try {
    const onReady = (backend: Backend): void => {
      isReady = true;
      void tellParent({ kind: 'ready', ready: readyInfoOf(backend) });
    };
    const exitCode = await run(request, password, { 'core.logging.console.enabled': false }, { onReady });
    leaveAtOnce(exitCode);
  } catch (error) {
    isReady = true;
    const failure = describeError(error);
    await tellParent({ kind: 'failed', ...failure });
    leaveAtOnce(failure.exitCode);
  }
}

async function run(
  { home, plugins }: StartRequest,
  password: string | undefined,
  overrides: Readonly<Record<string, unknown>>,
  listeners: Pick<RunBackendOptions, 'onReady' | 'onStopped'>,
): Promise<number> {
  // It loads beside the backend's modules.
  const engineWorker = startEngineWorker('writer');
  const { runBackend } = await import('@aico/backend/host');
  return runBackend({ home, plugins, overrides, password, engineWorker, ...listeners });
}
