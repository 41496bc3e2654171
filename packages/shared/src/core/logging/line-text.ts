import { styleText } from 'node:util';
import { printable } from '@aico/protocol';
import type { LogFields, LogLevel, LogRecord } from './types.ts';

/** How a line of the log is written as text. */
export interface LineTextOptions {
  /** How the time is written. Default: `toISOString()`. */
  readonly time?: (time: Date) => string;
  /** Whether the text has colours for a terminal. Default `false`. */
  readonly coloured?: boolean;
}

type Style = Parameters<typeof styleText>[0];

const LEVEL_STYLES: Readonly<Record<LogLevel, Style>> = {
  trace: 'dim',
  debug: 'dim',
  info: 'green',
  warn: 'yellow',
  error: 'red',
  fatal: ['bold', 'red'],
};

/**
 * A log line as text for a person: time, level, names, message and fields on one line, followed by the indented stack of each
 * error in the fields. Every part is escaped by `printable()`, so logged text can neither imitate another line nor control the
 * terminal.
 *
 * @example lineText(record); // '2026-11-27T20:00:00.000Z info  inbox/import: Imported {"messages":2}'
 */
export function lineText(
  { time, level, service, component, message, fields }: LogRecord,
  { time: timeText = (date) => date.toISOString(), coloured = false }: LineTextOptions = {},
): string {
  const styled = (style: Style, text: string): string =>
    coloured ? styleText(style, text, { validateStream: false }) : text;
  const stacks: string[] = [];
  const details = fieldsText(fields, stacks);
  const head = [
    styled('dim', timeText(new Date(time))),
    styled(LEVEL_STYLES[level], level.padEnd(5)),
    `${styled('cyan', printable(`${service}/${component}`))}: ${printable(message)}`,
    ...(details === '' ? [] : [styled('dim', details)]),
  ].join(' ');
  return [head, ...stacks.map((stack) => styled('dim', stack))].join('\n');
}

/** @param stacks receives the stacks of errors, which are left out of the text */
function fieldsText(fields: LogFields, stacks: string[]): string {
  const text = JSON.stringify(fields, function (this: unknown, name, value: unknown) {
    if (name !== 'stack' || typeof value !== 'string' || !isError(this)) return value;
    stacks.push(...value.split('\n').map((line) => `    ${printable(line.trim())}`));
    return undefined;
  });
  return text === '{}' ? '' : printable(text);
}

/** Whether it is the sanitised form of an error. */
function isError(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'type' in value && 'message' in value;
}
