import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { parseJson } from '@aico/protocol';
import { writePrivateFile } from '@aico/shared/core/paths';
import type { WorkContext } from '@aico/shared/core/tracing';
import { openedParts, sealedParts } from '@aico/shared/security';
import { type Static, Type } from 'typebox';
import { Check } from 'typebox/value';
import { LogArchiveVersionError } from '../errors.ts';
import type { StoredLogRecord } from '../log-query.ts';

/** The purpose of the key of archives, which neither a new password nor a new database key changes. */
export const ARCHIVE_PURPOSE = 'logs/archive';

const KIND = 'AICOLOG1';
/** The size in characters at which a part of an archive is complete. */
const PART_LENGTH = 262_144;

const compress = promisify(gzip);
const decompress = promisify(gunzip);

const Head = Type.Object({
  format: Type.Literal('aico-log-archive'),
  version: Type.Literal(1),
  id: Type.String(),
  createdAt: Type.String(),
});

/** A line as JSON has it: names of its context that are not known are absent. */
export type ArchivedLine = Omit<StoredLogRecord, 'context'> & {
  readonly context?: Readonly<Partial<Record<keyof WorkContext, string>>>;
};

/** The first part of an archive, which identifies it. */
export type LogArchiveHead = Static<typeof Head>;

export function newArchiveHead(): LogArchiveHead {
  return {
    format: 'aico-log-archive',
    version: 1,
    id: randomUUID(),
    createdAt: new Date().toISOString(),
  };
}

/**
 * Writes lines to a new encrypted file. It has its name when it is complete and durable.
 *
 * @param key of the purpose {@link ARCHIVE_PURPOSE}
 * @throws {SystemError} `errno` is `EEXIST` when there is a file of that name
 * @throws {WriteUnconfirmedError} the file is complete, but the disk has not confirmed its name
 */
export async function writeLogArchive(
  file: string,
  key: Uint8Array,
  head: LogArchiveHead,
  pages: AsyncIterable<readonly StoredLogRecord[]>,
): Promise<void> {
  await writePrivateFile(file, sealedParts(KIND, key, partsOf(head, pages)), { replace: false });
}

/**
 * The lines of an archive, oldest first.
 *
 * @throws {SealedFileRefusedError} when a part of the file is not as it was written; the lines before it are authentic
 */
export async function* readLogArchive(
  file: string,
  key: Uint8Array,
): AsyncGenerator<readonly ArchivedLine[]> {
  let isHead = true;
  for await (const part of openedParts(file, KIND, key)) {
    const text = (await decompress(part)).toString('utf8');
    if (isHead) headOf(file, text);
    else
      yield text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => parseJson(line) as ArchivedLine);
    isHead = false;
  }
}

/** The head of an archive. The lines after it are not read, and may be damaged. */
export async function readLogArchiveHead(file: string, key: Uint8Array): Promise<LogArchiveHead | undefined> {
  for await (const part of openedParts(file, KIND, key))
    return headOf(file, (await decompress(part)).toString('utf8'));
  return undefined;
}

async function* partsOf(
  head: LogArchiveHead,
  pages: AsyncIterable<readonly StoredLogRecord[]>,
): AsyncGenerator<Uint8Array> {
  yield await compress(JSON.stringify(head));
  let text = '';
  for await (const page of pages)
    for (const line of page) {
      text += `${JSON.stringify(line)}\n`;
      if (text.length < PART_LENGTH) continue;
      yield await compress(text);
      text = '';
    }
  if (text !== '') yield await compress(text);
}

function headOf(file: string, text: string): LogArchiveHead {
  const head: unknown = parseJson(text);
  if (!Check(Head, head)) throw new LogArchiveVersionError(file);
  return head;
}
