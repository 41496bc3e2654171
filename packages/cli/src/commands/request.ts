import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { ExitCode, reasonOf } from '@aico/protocol';
import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { UsageError } from '../errors.ts';
import { answerText } from '../terminal/style.ts';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

interface RequestOptions {
  readonly data?: string;
  readonly header: readonly string[];
}

export function register(program: Command, context: CommandContext): void {
  program
    .command('request')
    .description('send one request to the API and print the answer; exit code 1 from status 400 on')
    .argument('<method>', METHODS.join(', '))
    .argument('<path>', 'such as /api/v1/health')
    .option('-d, --data <json>', 'the body; @FILE reads a file, - reads the input')
    .option(
      '-H, --header <line>',
      'a header, as "name: value"; repeatable',
      (line: string, all: readonly string[]) => [...all, line],
      [] as readonly string[],
    )
    .action((method: string, path: string, options: RequestOptions) =>
      request(context, method.toUpperCase(), path, options),
    );
}

async function request(
  context: CommandContext,
  method: string,
  path: string,
  options: RequestOptions,
): Promise<void> {
  if (!METHODS.includes(method))
    throw new UsageError(`"${method}" is not a method`, `Methods: ${METHODS.join(', ')}.`);
  if (!path.startsWith('/'))
    throw new UsageError(`"${path}" is not a path`, 'Paths begin with a slash: /api/v1/health.');
  if (options.data !== undefined && (method === 'GET' || method === 'HEAD'))
    throw new UsageError(`${method} takes no --data`, 'Put it in the query of the path, or use POST.');
  const headers = headersFrom(options.header);
  const body = options.data === undefined ? undefined : await bodyFrom(options.data);
  if (body !== undefined && !headers.has('content-type')) headers.set('content-type', 'application/json');
  const response = await (await context.client()).fetch(path, {
    method,
    headers: [...headers],
    ...(body === undefined ? {} : { body }),
  });
  context.output.note(`${response.status} ${response.statusText}`);
  await printBody(response);
  if (response.status >= 400) process.exitCode = ExitCode.failure;
}

/** As it is, byte for byte and as it comes; for a person, JSON is laid out and the rest made harmless. */
async function printBody(response: Response): Promise<void> {
  const type = response.headers.get('content-type') ?? '';
  if (process.stdout.isTTY && !type.includes('event-stream')) {
    const answer = await response.text();
    if (answer !== '') process.stdout.write(`${answerText(laidOut(answer))}\n`);
    return;
  }
  for await (const chunk of response.body ?? []) {
    if (!process.stdout.write(chunk)) await once(process.stdout, 'drain');
  }
}

function laidOut(answer: string): string {
  try {
    return JSON.stringify(JSON.parse(answer), null, 2);
  } catch {
    // No JSON, whatever its type says: shown as it is.
    return answer;
  }
}

async function bodyFrom(data: string): Promise<string> {
  if (data === '-') return text(process.stdin);
  if (!data.startsWith('@')) return data;
  const { readFile } = await import('node:fs/promises');
  try {
    return await readFile(data.slice(1), 'utf8');
  } catch (error) {
    throw new UsageError(`${data.slice(1)} cannot be read: ${reasonOf(error)}`, undefined, error);
  }
}

function headersFrom(lines: readonly string[]): Headers {
  const headers = new Headers();
  for (const line of lines) {
    const colon = line.indexOf(':');
    try {
      headers.append(line.slice(0, Math.max(0, colon)).trim(), line.slice(colon + 1).trim());
    } catch (error) {
      throw new UsageError(`"${line}" is not a header`, 'A header is written as "name: value".', error);
    }
  }
  return headers;
}
