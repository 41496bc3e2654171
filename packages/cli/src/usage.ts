import type { Command, CommanderError } from 'commander';
import { UsageError } from './errors.ts';

/**
 * Converts an error of the parser. Its suggestion, if any, becomes the hint.
 *
 * @param called the names of the command that was called
 */
export function usageErrorFrom(error: CommanderError, called: readonly string[] = []): UsageError {
  const [first = '', ...rest] = error.message.replace(/^error: /, '').split('\n');
  const suggestion = rest.join(' ').replace(/^\((.*)\)$/, '$1');
  return new UsageError(first, suggestion === '' ? hintFor(error.code, called) : suggestion, error);
}

function hintFor(code: string, called: readonly string[]): string {
  const help = `\`${['aico', ...called].join(' ')} --help\``;
  if (called.length > 0) return `${help} shows its arguments and options.`;
  return code === 'commander.unknownCommand'
    ? `${help} shows every command. A plugin has its commands while this home’s backend runs with it (\`aico plugin list\`), or once it is added on this machine (\`aico plugin add PATH\`), which --via needs as well.`
    : `${help} shows every command.`;
}

/** The names of the command that `words` call, as far as it exists: `['db', 'query']`. */
export function calledBy(program: Command, words: readonly string[]): readonly string[] {
  const names: string[] = [];
  let at = program;
  for (const word of words) {
    const below = at.commands.find((command) => command.name() === word);
    if (below === undefined) continue;
    names.push(word);
    at = below;
  }
  return names;
}
