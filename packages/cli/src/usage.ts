import type { CommanderError } from 'commander';
import { UsageError } from './errors.ts';

/** What the parser found wrong, as an error of ours: its suggestion, if it has one, becomes the hint. */
export function usageErrorFrom(error: CommanderError): UsageError {
  const [first = '', ...rest] = error.message.replace(/^error: /, '').split('\n');
  const suggestion = rest.join(' ').replace(/^\((.*)\)$/, '$1');
  return new UsageError(first, suggestion === '' ? '`aico --help` shows every command.' : suggestion, error);
}
