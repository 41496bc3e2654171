import { LINE_FEED, type Line, linesOf, type Newline } from './mbox-lines.ts';

/** A message found in a mailbox, or the reason why it is not sent. */
export type FoundMessage = (
  | { readonly kind: 'message'; readonly raw: Buffer }
  | { readonly kind: 'too-large'; readonly bytes: number }
  | { readonly kind: 'empty' }
) & {
  /** The position in the file, including the separator: the spans of a file follow each other without a gap. */
  readonly span: Span;
};

/** Offsets in bytes; `end` is the offset of the byte after the last. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * The line that begins a message in an mbox file: `From `, an address, and a date as asctime() writes it. Demanding
 * the date keeps sentences that begin with "From " in their message, where the writer did not quote them.
 */
const DATED =
  /^From .*\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? +(?:\d{1,2} +)?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\b.*\d{2}:\d{2}/;
const ANY = /^From /;
const QUOTED = /^>+From /;
const HEADER = /^(?:[!-9;-~]+[ \t]*:|>From )/;
const CONTENT_LENGTH = /^content-length[ \t]*:[ \t]*(\d{1,12})[ \t]*\r?$/i;

/** Blank lines, and the mark that some editors put at the beginning of UTF-8, may precede the first separator. */
const BEGINNING = /^(?:\xef\xbb\xbf)?[\r\n]*From /;

/** Whether a file that begins so is an mbox. */
export function beginsAsMbox(head: Buffer): boolean {
  return BEGINNING.test(head.toString('latin1'));
}

/**
 * Splits an mbox (RFC 4155, and the variants mboxo, mboxrd, mboxcl and mboxcl2) into its messages, byte for byte but
 * for the quoting of `From ` lines, which is undone. Holds one message in memory at a time, and none larger than
 * `maxBytes`.
 *
 * - The first line that begins with `From ` begins a message whatever follows; if it bears a date as mbox wants it, so
 *   must the others.
 * - A separator stands after a blank line. Without one it must bear a date, and a header must follow it.
 * - A `Content-Length` is believed where a separator or the end of the file follows the body of that length. Lines
 *   within such a body begin no message. The first one that is wrong ends the belief for the rest of the file.
 *
 * @example for await (const found of splitMbox(createReadStream('old.mbox'), 25 * 1_048_576)) …
 */
export async function* splitMbox(
  chunks: Iterable<Buffer> | AsyncIterable<Buffer>,
  maxBytes: number,
  newline: Newline = LINE_FEED,
): AsyncGenerator<FoundMessage> {
  const splitter = new Splitter(maxBytes);
  for await (const lines of linesOf(chunks, newline)) {
    for (const line of lines) yield* splitter.take(line);
  }
  yield* splitter.end();
}

class Splitter {
  readonly #maxBytes: number;
  /** The separator of this file; unknown until the first message has begun. */
  #separator: RegExp | undefined;
  #message: Collector | undefined;
  #afterBlank = true;
  /** A possible separator without a blank line before it; the next line decides. */
  #undecided: Line | undefined;
  #believesLengths = true;
  /** The offset at which the span of the next message begins; it includes text before the first separator, so that no byte is omitted. */
  #start = 0;
  #offset = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  *take(line: Line): Generator<FoundMessage> {
    const undecided = this.#undecided;
    this.#undecided = undefined;
    if (undecided !== undefined) {
      if (line.isStart && HEADER.test(line.head)) yield* this.#begin(undecided);
      else this.#add(undecided);
    }
    if (this.#isSeparator(line)) yield* this.#begin(line);
    else if (!this.#afterBlank && beginsWithF(line) && DATED.test(line.head)) this.#undecided = line;
    else this.#add(line);
    this.#offset = line.end;
  }

  *end(): Generator<FoundMessage> {
    yield* this.#finish(this.#offset);
  }

  #isSeparator(line: Line): boolean {
    return this.#afterBlank && beginsWithF(line) && (this.#separator ?? ANY).test(line.head);
  }

  *#begin(separator: Line): Generator<FoundMessage> {
    if (this.#message?.isWithinLength(separator.start) === true) {
      this.#message.hideSeparator();
      this.#add(separator);
      return;
    }
    yield* this.#finish(separator.start);
    this.#separator ??= DATED.test(separator.head) ? DATED : ANY;
    this.#message = new Collector(this.#maxBytes, this.#believesLengths);
    this.#afterBlank = false;
  }

  #add(line: Line): void {
    this.#afterBlank = line.isBlank;
    this.#message?.add(line);
  }

  /** Ends the message that is being read, at the offset where the next one or the end of the file is. */
  *#finish(end: number): Generator<FoundMessage> {
    if (this.#undecided !== undefined) this.#add(this.#undecided);
    this.#undecided = undefined;
    const message = this.#message;
    if (message === undefined) return;
    this.#message = undefined;
    const wrong = message.linesOfWrongLength(end);
    if (wrong === undefined) {
      yield message.finish({ start: this.#start, end });
      this.#start = end;
      return;
    }
    // The length was wrong, so the separators that were skipped do begin messages.
    this.#believesLengths = false;
    this.#message = new Collector(this.#maxBytes, false);
    this.#afterBlank = false;
    for (const line of wrong) yield* this.take(line);
    yield* this.#finish(end);
  }
}

/** The lines of one message. */
class Collector {
  readonly #maxBytes: number;
  #lines: Line[] = [];
  #bytes = 0;
  #isBlank = true;
  #isInHeader = true;
  #believesLength: boolean;
  #announced: number | undefined;
  /** The offset at which the body ends by its `Content-Length`. */
  #bodyEnd: number | undefined;
  /** Whether there are lines within that body which would otherwise begin a message. */
  #hidesSeparators = false;

  constructor(maxBytes: number, believesLength: boolean) {
    this.#maxBytes = maxBytes;
    this.#believesLength = believesLength;
  }

  add(line: Line): void {
    if (this.#isInHeader && line.isStart) this.#readHeader(line);
    this.#bytes += line.bytes.length;
    if (!line.isBlank) this.#isBlank = false;
    if (this.#bytes <= this.#maxBytes + LONGEST_BLANK) this.#lines.push(line);
    else this.#lines = [];
  }

  isWithinLength(offset: number): boolean {
    return this.#bodyEnd !== undefined && offset < this.#bodyEnd;
  }

  /** Notes that a line within the announced length would otherwise begin a message. */
  hideSeparator(): void {
    this.#hidesSeparators = true;
  }

  /**
   * The lines of a message whose length hid separators and turned out to be wrong, to be read again.
   *
   * @param end the offset of the separator, or of the end of the file, that follows the message
   */
  linesOfWrongLength(end: number): readonly Line[] | undefined {
    const bodyEnd = this.#bodyEnd;
    if (!this.#hidesSeparators || bodyEnd === undefined) return undefined;
    // Between the body and what follows it there may be blank lines alone.
    const rest = this.#lines.filter((line) => line.end > bodyEnd);
    const isRight = bodyEnd <= end && rest.every((line) => line.start >= bodyEnd && line.isBlank);
    return isRight ? undefined : this.#lines;
  }

  finish(span: Span): FoundMessage {
    if (this.#isBlank) return { kind: 'empty', span };
    if (this.#bytes > this.#maxBytes + LONGEST_BLANK) return { kind: 'too-large', bytes: this.#bytes, span };
    // A writer that relies on the length does not quote separators in the body.
    const pieces = this.#lines.map((line) =>
      !this.#hidesSeparators && isQuoted(line) ? line.bytes.subarray(1) : line.bytes,
    );
    const raw = withoutLastBlank(Buffer.concat(pieces), this.#lines.at(-1));
    if (raw.length > this.#maxBytes) return { kind: 'too-large', bytes: raw.length, span };
    return { kind: 'message', raw, span };
  }

  #readHeader(line: Line): void {
    if (line.isBlank) {
      this.#isInHeader = this.#isBlank;
      if (this.#announced !== undefined && this.#bytes + this.#announced <= this.#maxBytes)
        this.#bodyEnd = line.end + this.#announced;
      return;
    }
    if (!this.#believesLength) return;
    const length = CONTENT_LENGTH.exec(line.head.trimEnd())?.[1];
    if (length !== undefined) this.#announced = Number(length);
  }
}

/** The blank line after a message, at most. */
const LONGEST_BLANK = 2;

/** Looked at before any expression, since most lines of a mailbox begin with neither. */
const LETTER_F = 0x46;
const GREATER = 0x3e;

function beginsWithF(line: Line): boolean {
  return line.isStart && line.bytes[0] === LETTER_F;
}

function isQuoted(line: Line): boolean {
  return line.isStart && line.bytes[0] === GREATER && QUOTED.test(line.head);
}

/** The blank line before the next separator belongs to the mailbox, not to the message. */
function withoutLastBlank(raw: Buffer, last: Line | undefined): Buffer {
  return last?.isBlank === true && raw.length > last.bytes.length
    ? raw.subarray(0, raw.length - last.bytes.length)
    : raw;
}
