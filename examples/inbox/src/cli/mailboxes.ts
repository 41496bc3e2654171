import { createReadStream } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { MailboxUnreadableError } from '../errors.ts';
import { beginsAsMbox, type FoundMessage, splitMbox } from './mbox-splitter.ts';

/** A message, and where it was found, for telling a person. */
export type LocatedMessage = FoundMessage & { readonly where: string };

/** A file that will be read. */
export interface MailFile {
  readonly path: string;
  readonly bytes: number;
}

/** What will be read, and how many files of folders were passed over. */
export interface MailFiles {
  readonly files: readonly MailFile[];
  readonly skipped: number;
}

/** Mail begins with a header, or with the line that separates messages of an mbox. */
const MAIL = /^(?:From \S|[A-Za-z][A-Za-z0-9-]*:)/;

/**
 * The files behind the paths, in order of name: a file as it is, of a folder all below it that begin as mail does.
 *
 * @throws {MailboxUnreadableError} when a path cannot be read
 */
export async function findMailFiles(paths: readonly string[]): Promise<MailFiles> {
  const files: MailFile[] = [];
  let skipped = 0;
  for (const start of paths) {
    try {
      const stats = await stat(start);
      if (!stats.isDirectory()) {
        files.push({ path: start, bytes: stats.size });
        continue;
      }
      const entries = await readdir(start, { recursive: true, withFileTypes: true });
      const below = entries
        .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
        .map((entry) => path.join(entry.parentPath, entry.name))
        .sort();
      for (const file of below) {
        if (MAIL.test((await readHead(file)).toString('latin1')))
          files.push({ path: file, bytes: (await stat(file)).size });
        else skipped += 1;
      }
    } catch (error) {
      throw new MailboxUnreadableError(start, error);
    }
  }
  return { files, skipped };
}

/** Every message of a file: many of an mbox, else the file as one. Constant memory whatever its size. */
export async function* readMailFile(file: MailFile, maxBytes: number): AsyncGenerator<LocatedMessage> {
  try {
    if (beginsAsMbox(await readHead(file.path))) {
      let number = 0;
      for await (const found of splitMbox(createReadStream(file.path), maxBytes)) {
        number += 1;
        yield { ...found, where: `${file.path} #${number}` };
      }
    } else if (file.bytes > maxBytes) {
      yield { kind: 'too-large', bytes: file.bytes, where: file.path };
    } else {
      const chunks: Buffer[] = [];
      for await (const chunk of createReadStream(file.path)) chunks.push(chunk);
      yield { kind: 'message', raw: Buffer.concat(chunks), where: file.path };
    }
  } catch (error) {
    throw new MailboxUnreadableError(file.path, error);
  }
}

/** Longer than any header's name. */
const HEAD_BYTES = 128;

async function readHead(file: string): Promise<Buffer> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
