import { accessSync, type BigIntStats, constants, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { MailboxUnreadableError } from '../errors.ts';

/** A file that will be read. */
export interface MailFile {
  readonly kind: 'file';
  /** Its path in bytes: a name on Linux need not be UTF-8. */
  readonly place: Buffer;
  /** The path for showing to a person. */
  readonly where: string;
  readonly bytes: number;
  /** Whether the command line names this file, rather than a folder that contains it. */
  readonly isNamed: boolean;
}

/** A file or link that is not read, and the reason. */
export interface NotRead {
  readonly kind: 'refused' | 'passed-over';
  readonly where: string;
  readonly reason: string;
}

const SEPARATOR = Buffer.from(path.sep);
const DOT = 0x2e;

/**
 * The files behind the paths, in order of name: a file as it is; of a folder all that are below it, links followed,
 * each folder and each file once.
 *
 * @throws {MailboxUnreadableError} when one of the paths themselves cannot be read
 * @example for (const file of findMailFiles(['old.mbox', 'Maildir'])) …
 */
export function findMailFiles(paths: readonly string[]): readonly (MailFile | NotRead)[] {
  const seen = new Map<string, string>();
  return paths.flatMap((start) => {
    try {
      const stats = statSync(start, { bigint: true });
      const place = Buffer.from(start);
      if (stats.isDirectory()) return [...filesBelow(place, stats, seen)];
      accessSync(start, constants.R_OK);
      return [{ kind: 'file', place, where: start, bytes: Number(stats.size), isNamed: true } as const];
    } catch (error) {
      throw new MailboxUnreadableError(start, error);
    }
  });
}

/**
 * @param seen each folder and file that was met, by its number in its file system: links may lead in a circle
 */
function* filesBelow(
  folder: Buffer,
  stats: BigIntStats,
  seen: Map<string, string>,
): Generator<MailFile | NotRead> {
  const where = folder.toString();
  seen.set(identityOf(stats), where);
  let entries: readonly { readonly name: Buffer }[];
  try {
    entries = readdirSync(folder, { encoding: 'buffer', withFileTypes: true });
  } catch (error) {
    yield { kind: 'refused', where, reason: `the folder cannot be read: ${reasonOf(error)}` };
    return;
  }
  for (const { name } of entries.toSorted((a, b) => Buffer.compare(a.name, b.name)))
    yield* entryOf(Buffer.concat([folder, SEPARATOR, name]), name[0] === DOT, seen);
}

function* entryOf(
  place: Buffer,
  isHidden: boolean,
  seen: Map<string, string>,
): Generator<MailFile | NotRead> {
  const where = place.toString();
  let stats: BigIntStats | undefined;
  try {
    stats = statSync(place, { bigint: true, throwIfNoEntry: false });
  } catch (error) {
    yield { kind: 'refused', where, reason: `it cannot be read: ${reasonOf(error)}` };
    return;
  }
  if (stats === undefined) {
    yield { kind: 'passed-over', where, reason: 'it is a link that leads nowhere' };
    return;
  }
  if (seen.has(identityOf(stats))) {
    yield { kind: 'passed-over', where, reason: 'it leads to what was read already' };
    return;
  }
  if (stats.isDirectory()) {
    yield* filesBelow(place, stats, seen);
    return;
  }
  if (!stats.isFile()) {
    yield { kind: 'passed-over', where, reason: 'it is no regular file' };
    return;
  }
  if (isHidden) {
    yield { kind: 'passed-over', where, reason: 'it is hidden' };
    return;
  }
  seen.set(identityOf(stats), where);
  yield { kind: 'file', place, where, bytes: Number(stats.size), isNamed: false };
}

function identityOf({ dev, ino }: BigIntStats): string {
  return `${dev}:${ino}`;
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
