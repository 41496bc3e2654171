import type { Command } from 'commander';
import { CommandLine } from './context.ts';
import { addCommands, type CommandPath, isOwnCommand } from './program.ts';

/** Loads the command that is called, its own or a plugin's, and runs it. */
export async function runCommand(
  program: Command,
  words: readonly string[],
  { word, home }: CommandPath,
): Promise<void> {
  await using commandLine = new CommandLine(program);
  await addCommands(program, commandLine, word);
  if (word !== undefined && !isOwnCommand(word)) {
    // Read before the rest, since the plugins' commands are asked of the home's backend.
    if (home !== undefined) program.setOptionValue('home', home);
    const { addPluginCommands } = await import('./plugin-commands.ts');
    await addPluginCommands(program, commandLine, word);
  }
  await program.parseAsync(words, { from: 'user' });
}
