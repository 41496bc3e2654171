import { createReadStream, readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tooLarge } from '../size-limit.ts';
import { isMarkedDeleted, isNamedDeleted } from './deleted-mark.ts';
import { beginsAsEmlx, readEmlx } from './emlx.ts';
import type { MailFile, NotRead } from './mail-files.ts';
import { newlineOf } from './mbox-lines.ts';
import { beginsAsMbox, type FoundMessage, splitMbox } from './mbox-splitter.ts';

/** A message, and where it was found. */
export interface LocatedMessage {
  readonly kind: 'message';
  readonly raw: Buffer;
  readonly where: string;
}

/** A message to send, or a part of a file that is not sent, with the reason. */
export type Finding = LocatedMessage | NotRead;

/**
 * Mail begins with a header, or with the line that separates messages of an mbox. A byte order mark, blank lines and the
 * first line that Microsoft's programs write may precede it.
 */
const MAIL =
  /^(?:\xef\xbb\xbf)?[\r\n]*(?:Microsoft Mail Internet Headers[^\r\n]*[\r\n]+)?(?:From |[A-Za-z][\w.-]*[ \t]*:)/;

/** Longer than any header's name, and than most separators. */
const HEAD_BYTES = 1_024;

/**
 * A file smaller than this is read synchronously: this is a command's own process, and a folder of
 * many thousand small files takes four times as long when each is awaited.
 */
const SMALL_FILE_BYTES = 1_048_576;

/**
 * Every message of a file: many of an mbox, else the file as one. Memory is bounded by the largest message, whatever
 * the file's size. A file that cannot be read is a finding, not an error.
 *
 * @example for await (const found of readMailFile(file, 25 * 1_048_576)) …
 */
export async function* readMailFile(file: MailFile, maxBytes: number): AsyncGenerator<Finding> {
  const { place, where, bytes } = file;
  try {
    if (bytes <= SMALL_FILE_BYTES) {
      const content = readFileSync(place);
      yield* readMail(file, content.subarray(0, HEAD_BYTES), () => [content], maxBytes);
      return;
    }
    yield* readMail(file, await readHead(place), () => createReadStream(place), maxBytes);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    yield { kind: 'refused', reason: `it cannot be read: ${reason}`, where };
  }
}

type Chunks = () => Iterable<Buffer> | AsyncIterable<Buffer>;

async function* readMail(
  { where, isNamed }: MailFile,
  head: Buffer,
  chunks: Chunks,
  maxBytes: number,
): AsyncGenerator<Finding> {
  if (head.length === 0) {
    yield { kind: 'passed-over', reason: 'it is empty', where };
    return;
  }
  const isEmlx = beginsAsEmlx(head);
  if (!isNamed && !isEmlx && !MAIL.test(head.toString('latin1'))) {
    yield { kind: 'passed-over', reason: 'it does not begin as mail does', where };
    return;
  }
  if (isNamedDeleted(where)) {
    yield { kind: 'passed-over', reason: DELETED, where };
    return;
  }
  if (beginsAsMbox(head)) {
    let number = 0;
    for await (const found of splitMbox(chunks(), maxBytes, newlineOf(head))) {
      number += 1;
      yield findingOf(found, `${where} #${number}`, maxBytes);
    }
    return;
  }
  const whole = await readWhole(chunks, maxBytes);
  yield typeof whole === 'number'
    ? { kind: 'refused', reason: tooLarge(whole, maxBytes), where }
    : isEmlx
      ? emlxFinding(whole, where)
      : messageFinding(whole, where);
}

const DELETED = 'it is marked as deleted';

function findingOf(found: FoundMessage, where: string, maxBytes: number): Finding {
  switch (found.kind) {
    case 'message':
      return messageFinding(found.raw, where);
    case 'too-large':
      return { kind: 'refused', reason: tooLarge(found.bytes, maxBytes), where };
    case 'empty':
      return { kind: 'passed-over', reason: 'no message follows its separator', where };
  }
}

function messageFinding(raw: Buffer, where: string): Finding {
  return isMarkedDeleted(raw)
    ? { kind: 'passed-over', reason: DELETED, where }
    : { kind: 'message', raw, where };
}

function emlxFinding(content: Buffer, where: string): Finding {
  const { raw, isDeleted, missing } = readEmlx(content);
  if (isDeleted) return { kind: 'passed-over', reason: DELETED, where };
  if (missing > 0) return { kind: 'refused', reason: `its last ${missing} bytes are missing`, where };
  return messageFinding(raw, where);
}

/** The content of the file, or its size if that exceeds the limit. */
async function readWhole(chunks: Chunks, maxBytes: number): Promise<Buffer | number> {
  const kept: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of chunks()) {
    bytes += chunk.length;
    if (bytes <= maxBytes) kept.push(chunk);
    else kept.length = 0;
  }
  return bytes > maxBytes ? bytes : Buffer.concat(kept);
}

async function readHead(place: Buffer): Promise<Buffer> {
  await using handle = await open(place);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
  return buffer.subarray(0, bytesRead);
}
