import { accessSync, constants, createReadStream, readdirSync, readFileSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { MailboxUnreadableError } from '../errors.ts';
import { beginsAsMbox, type FoundMessage, splitMbox } from './mbox-splitter.ts';

/** What is found in a file, and where, for telling a person. */
export type Finding = (
  | FoundMessage
  | { readonly kind: 'unreadable'; readonly reason: string }
  /** A file of a folder that does not begin as mail does. */
  | { readonly kind: 'no-mail' }
) & { readonly where: string };

/** A message, and where it was found. */
export type LocatedMessage = Extract<Finding, { kind: 'message' }>;

/** A file that will be read. */
export interface MailFile {
  readonly path: string;
  readonly bytes: number;
  /** Somebody named this very file, rather than a folder that has it. */
  readonly isNamed: boolean;
}

/** Mail begins with a header, or with the line that separates messages of an mbox. */
const MAIL = /^[\r\n]*(?:From |[A-Za-z][A-Za-z0-9-]*:)/;

/** Longer than any header's name. */
const HEAD_BYTES = 128;

/**
 * A file smaller than this is read at once, and without giving way: this is a command's own process, and a folder of
 * many thousand small files takes four times as long when each is awaited.
 */
const SMALL_FILE_BYTES = 1_048_576;

/**
 * The files behind the paths, in order of name: a file as it is, of a folder all that are below it but hidden ones.
 *
 * @throws {MailboxUnreadableError} when a path cannot be read
 * @example for (const file of findMailFiles(['old.mbox', 'Maildir'])) …
 */
export function findMailFiles(paths: readonly string[]): readonly MailFile[] {
  return paths.flatMap((start) => {
    try {
      const stats = statSync(start);
      if (stats.isDirectory()) return filesBelow(start);
      accessSync(start, constants.R_OK);
      return { path: start, bytes: stats.size, isNamed: true };
    } catch (error) {
      throw new MailboxUnreadableError(start, error);
    }
  });
}

function filesBelow(folder: string): MailFile[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort()
    .flatMap((file) => {
      const stats = statSync(file, { throwIfNoEntry: false });
      return stats === undefined ? [] : { path: file, bytes: stats.size, isNamed: false };
    });
}

/**
 * Every message of a file: many of an mbox, else the file as one. Memory is bounded by the largest message, whatever
 * the file's size. A file that cannot be read is a finding, not an error.
 *
 * @example for await (const found of readMailFile(file, 25 * 1_048_576)) …
 */
export async function* readMailFile(file: MailFile, maxBytes: number): AsyncGenerator<Finding> {
  const where = file.path;
  try {
    if (file.bytes <= SMALL_FILE_BYTES) {
      const content = readFileSync(where);
      yield* readMail(file, content.subarray(0, HEAD_BYTES), () => [content], maxBytes);
      return;
    }
    yield* readMail(file, await readHead(where), () => createReadStream(where), maxBytes);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    yield { kind: 'unreadable', reason: `it cannot be read: ${reason}`, where };
  }
}

async function* readMail(
  { path: where, isNamed }: MailFile,
  head: Buffer,
  chunks: () => Iterable<Buffer> | AsyncIterable<Buffer>,
  maxBytes: number,
): AsyncGenerator<Finding> {
  if (!isNamed && !MAIL.test(head.toString('latin1'))) {
    yield { kind: 'no-mail', where };
    return;
  }
  if (beginsAsMbox(head)) {
    let number = 0;
    for await (const found of splitMbox(chunks(), maxBytes)) {
      number += 1;
      yield { ...found, where: `${where} #${number}` };
    }
    return;
  }
  const kept: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of chunks()) {
    bytes += chunk.length;
    if (bytes <= maxBytes) kept.push(chunk);
    else kept.length = 0;
  }
  if (bytes > maxBytes) yield { kind: 'too-large', bytes, where };
  else if (bytes > 0) yield { kind: 'message', raw: Buffer.concat(kept), where };
}

async function readHead(file: string): Promise<Buffer> {
  await using handle = await open(file);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
  return buffer.subarray(0, bytesRead);
}
