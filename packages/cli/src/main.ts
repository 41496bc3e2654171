import { ExitCode } from '@aico/backend/exit-codes';
import { CommanderError } from 'commander';
import { CommandLine, type GlobalOptions } from './context.ts';
import { addPluginCommands } from './plugin-commands.ts';
import { addCommands, commandWord, createProgram, isOwnCommand } from './program.ts';
import { exitCodeOf, printError } from './report-error.ts';

// `aico logs tail | head` closes the pipe when it has enough: that is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(process.exitCode ?? ExitCode.ok);
});

const program = createProgram();
await using commandLine = new CommandLine(program);
try {
  const word = commandWord(process.argv.slice(2));
  await addCommands(program, commandLine, word);
  // Read before the rest, since the plugins' commands are asked of the home's backend.
  program.parseOptions(process.argv.slice(2));
  if (word !== undefined && !isOwnCommand(word)) await addPluginCommands(program, commandLine, word);
  await program.parseAsync(process.argv);
} catch (error) {
  if (error instanceof CommanderError) {
    // It has said itself what is wrong; help and version come this way too.
    process.exitCode = error.exitCode === 0 ? ExitCode.ok : ExitCode.usage;
  } else {
    printError(error, program.opts<GlobalOptions>().json === true);
    process.exitCode = exitCodeOf(error);
  }
}
