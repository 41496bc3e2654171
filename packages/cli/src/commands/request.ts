import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { ExitCode, parseJson, reasonOf } from '@aico/protocol';
import type { Command } from 'commander';
import { collected, pathArgument } from '../argument-values.ts';
import type { CommandContext } from '../context.ts';
import { UsageError } from '../errors.ts';
import { write, writeBytes, writePart } from '../terminal/output.ts';

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
    .option('-d, --data <body>', 'the body, byte for byte; @FILE reads a file, - or @- reads the input')
    .option('-H, --header <line>', 'a header, as "name: value"; repeatable', collected, [])
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
  if (!isPath(path))
    throw new UsageError(`"${path}" is not a path`, 'Paths begin with one slash: /api/v1/health.');
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

/** Whether `path` is on the backend itself: a URL that begins with two slashes names another host. */
function isPath(path: string): boolean {
  const origin = 'http://backend';
  return path.startsWith('/') && URL.parse(path, origin)?.origin === origin;
}

/** Prints the body byte for byte as it arrives. On a terminal, JSON is formatted and foreign text cannot control it. */
async function printBody(response: Response): Promise<void> {
  const type = response.headers.get('content-type') ?? '';
  if (!process.stdout.isTTY) return writeBytes(response.body ?? []);
  if (type.includes('event-stream')) {
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? [])
      writePart(process.stdout, decoder.decode(chunk, { stream: true }));
    return;
  }
  const answer = await response.text();
  if (answer !== '') write(process.stdout, laidOut(answer));
}

function laidOut(answer: string): string {
  try {
    return JSON.stringify(parseJson(answer), null, 2);
  } catch {
    // It is not JSON, whatever its type says.
    return answer;
  }
}

/** The body as bytes, since text would lose those that are not UTF-8. */
async function bodyFrom(data: string): Promise<Uint8Array<ArrayBuffer>> {
  if (data === '-' || data === '@-') return new Uint8Array(await buffer(process.stdin));
  if (!data.startsWith('@')) return new TextEncoder().encode(data);
  const file = pathArgument(data.slice(1));
  try {
    return new Uint8Array(await readFile(file));
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${reasonOf(error)}`, undefined, error);
  }
}

function headersFrom(lines: readonly string[]): Headers {
  const headers = new Headers();
  for (const line of lines) {
    const colon = line.indexOf(':');
    // `Headers` takes one character per byte; the argument is sent as UTF-8.
    const value = Buffer.from(line.slice(colon + 1).trim(), 'utf8').toString('latin1');
    try {
      headers.append(line.slice(0, Math.max(0, colon)).trim(), value);
    } catch (error) {
      throw new UsageError(`"${line}" is not a header`, 'A header is written as "name: value".', error);
    }
  }
  return headers;
}
