import type { CommanderError } from 'commander';
import { UsageError } from './errors.ts';

/** What the parser found wrong, as an error of ours: its suggestion, if it has one, becomes the hint. */
export function usageErrorFrom(error: CommanderError): UsageError {
  const [first = '', ...rest] = error.message.replace(/^error: /, '').split('\n');
  const suggestion = rest.join(' ').replace(/^\((.*)\)$/, '$1');
  return new UsageError(first, suggestion === '' ? hintFor(error.code) : suggestion, error);
}

function hintFor(code: string): string {
  return code === 'commander.unknownCommand'
    ? '`aico --help` shows every command. A plugin adds its own while this home’s backend runs with it (`aico plugin list`), or when it is added on this machine: `aico plugin add PATH`, which --via needs too.'
    : '`aico --help` shows every command.';
}
