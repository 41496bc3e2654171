import { ExitCode } from '@aico/protocol';
import type { Command, CommanderError } from 'commander';
import { refuseAltered } from './launcher/exact-arguments.ts';
import { type CommandPath, commandPath, createProgram, describeCommands } from './program.ts';

const words = process.argv.slice(2);
const path = commandPath(words);
const program = createProgram();
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => onOutputFailure(stream, error));
try {
  refuseAltered(words);
  await run(program, path);
} catch (error) {
  await fail(error);
}

function onOutputFailure(stream: NodeJS.WriteStream, error: NodeJS.ErrnoException): void {
  // A backend continues without its console.
  if (path.word === 'start') return;
  // `aico logs tail | head` closes the pipe once it has read enough, which is no error.
  if (error.code === 'EPIPE') process.exit(process.exitCode ?? ExitCode.ok);
  if (stream === process.stderr) process.exit(ExitCode.system);
  const leave = (): never => process.exit();
  fail(error).then(leave, leave);
}

async function run(root: Command, { word }: CommandPath): Promise<void> {
  if (word === undefined) {
    // Help or version: no command is loaded.
    describeCommands(root);
    await root.parseAsync(process.argv);
    return;
  }
  const { runCommand } = await import('./run-command.ts');
  await runCommand(root, words, path);
}

async function fail(error: unknown): Promise<void> {
  if (isCommanderError(error)) {
    process.exitCode = error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
    // Help and version are reported as errors by the parser; their text has been printed.
    if (error.exitCode === 0 || error.code === 'commander.help') return;
  }
  const { describeError, printError } = await import('./report-error.ts');
  const { calledBy, usageErrorFrom } = await import('./usage.ts');
  const told = isCommanderError(error) ? usageErrorFrom(error, calledBy(program, words)) : error;
  printError(told, words.includes('--json'));
  process.exitCode = describeError(told).exitCode;
  // Resources that a plugin opened before a failed start, or a thread that hangs, must not keep the process alive.
  if (path.word === 'start') (await import('@aico/backend/leave')).leaveAtOnce(Number(process.exitCode));
}

function isCommanderError(error: unknown): error is CommanderError {
  return (
    error instanceof Error &&
    'code' in error &&
    String(error.code).startsWith('commander.') &&
    'exitCode' in error
  );
}
