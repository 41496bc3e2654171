import type { Command } from 'commander';
import { CommandLine } from './context.ts';
import { UsageError } from './errors.ts';
import { addCommands, type CommandPath, isOwnCommand, takesVia } from './program.ts';

/** Loads and runs the command that is called, which may be a plugin's. */
export async function runCommand(
  program: Command,
  words: readonly string[],
  { word, home, via }: CommandPath,
): Promise<void> {
  await using commandLine = new CommandLine(program);
  refuseEmpty('--home', home);
  refuseEmpty('--via', via);
  if (via !== undefined && word !== undefined && !takesVia(word)) throw worksHereAlone(word);
  await addCommands(program, commandLine, word);
  program.hook('preAction', (_program, called) => {
    const above = called.parent?.name();
    if (
      via !== undefined &&
      above !== undefined &&
      called.parent !== program &&
      !takesVia(above, called.name())
    )
      throw worksHereAlone(`${above} ${called.name()}`);
  });
  if (word !== undefined && !isOwnCommand(word)) {
    // Set before the command line is parsed: the backend of this home determines the commands of plugins.
    if (home !== undefined) program.setOptionValue('home', home);
    if (via !== undefined) program.setOptionValue('via', via);
    const { addPluginCommands } = await import('./plugins/plugin-commands.ts');
    await addPluginCommands(program, commandLine, word);
  }
  await program.parseAsync(words, { from: 'user' });
}

function worksHereAlone(command: string): UsageError {
  return new UsageError(
    `\`aico ${command}\` works only on the machine of the backend`,
    'Run it there, without --via.',
  );
}

/** Refuses an empty value: it comes from an unset variable of a script, and must not select another home. */
function refuseEmpty(option: string, value: string | undefined): void {
  if (value === '') throw new UsageError(`${option} is empty`, 'Give it a value, or leave it out.');
}
