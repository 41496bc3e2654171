import { text } from 'node:stream/consumers';
import { ExitCode } from '@aico/backend/exit-codes';
import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { UsageError } from '../errors.ts';

interface RequestOptions {
  readonly data?: string;
  readonly header: readonly string[];
}

export function register(program: Command, context: CommandContext): void {
  program
    .command('request')
    .description('send one request to the API and print the answer')
    .argument('<method>', 'GET, POST, …')
    .argument('<path>', 'such as /api/v1/health')
    .option('-d, --data <json>', 'the body; @FILE reads a file, - reads the input')
    .option(
      '-H, --header <line>',
      'a header, as "name: value"; repeatable',
      (line, all) => [...all, line],
      [] as string[],
    )
    .action((method: string, path: string, options: RequestOptions) =>
      request(context, method, path, options),
    );
}

async function request(
  context: CommandContext,
  method: string,
  path: string,
  options: RequestOptions,
): Promise<void> {
  if (!path.startsWith('/'))
    throw new UsageError(`"${path}" is not a path`, 'Paths begin with a slash: /api/v1/health.');
  const body = options.data === undefined ? undefined : await bodyFrom(options.data);
  const headers = Object.fromEntries(options.header.map(headerFrom));
  const response = await (await context.client()).fetch(path, {
    method: method.toUpperCase(),
    ...(body === undefined ? {} : { body }),
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
  });
  if (!context.output.json) process.stderr.write(`${response.status} ${response.statusText}\n`);
  const answer = await response.text();
  const pretty = process.stdout.isTTY && (response.headers.get('content-type') ?? '').includes('json');
  if (answer !== '')
    process.stdout.write(`${pretty ? JSON.stringify(JSON.parse(answer), null, 2) : answer}\n`);
  if (!response.ok) process.exitCode = ExitCode.failure;
}

async function bodyFrom(data: string): Promise<string> {
  if (data === '-') return text(process.stdin);
  if (!data.startsWith('@')) return data;
  const { readFile } = await import('node:fs/promises');
  return readFile(data.slice(1), 'utf8');
}

function headerFrom(line: string): [string, string] {
  const colon = line.indexOf(':');
  if (colon <= 0) throw new UsageError('a header is written as "name: value"');
  return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
}
