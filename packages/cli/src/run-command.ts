import type { Command } from 'commander';
import { CommandLine } from './context.ts';
import { UsageError } from './errors.ts';
import { addCommands, type CommandPath, isOwnCommand, takesVia } from './program.ts';

/** Loads the command that is called, its own or a plugin's, and runs it. */
export async function runCommand(
  program: Command,
  words: readonly string[],
  { word, home, via }: CommandPath,
): Promise<void> {
  await using commandLine = new CommandLine(program);
  if (via !== undefined && word !== undefined && !takesVia(word))
    throw new UsageError(`\`aico ${word}\` works on this machine alone`, 'Run it there, without --via.');
  await addCommands(program, commandLine, word);
  if (word !== undefined && !isOwnCommand(word)) {
    // Read before the rest, since the plugins' commands are asked of the home's backend.
    if (home !== undefined) program.setOptionValue('home', home);
    if (via !== undefined) program.setOptionValue('via', via);
    const { addPluginCommands } = await import('./plugin-commands.ts');
    await addPluginCommands(program, commandLine, word);
  }
  await program.parseAsync(words, { from: 'user' });
}
