/** A message found in a mailbox, or one that was too large to keep in memory. */
export type FoundMessage =
  | { readonly kind: 'message'; readonly raw: Buffer }
  | { readonly kind: 'too-large'; readonly bytes: number };

const NEWLINE = 0x0a;
const RETURN = 0x0d;
const GREATER = 0x3e;
const LETTER_F = 0x46;

/** How much of a line is looked at to see what it is. */
const LINE_HEAD = 512;

/**
 * The line that begins a message in an mbox file: `From `, an address, and a date as asctime() writes it. Demanding
 * the date keeps sentences that begin with "From " in their message, where the writer did not quote them.
 */
const DATED =
  /^From .*\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? +(?:\d{1,2} +)?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\b.*\d{2}:\d{2}/;
const ANY = /^From /;
const QUOTED = /^>+From /;
const BEGINNING = /^[\r\n]*From /;

/** Whether a file that begins so is an mbox. */
export function beginsAsMbox(head: Buffer): boolean {
  return BEGINNING.test(head.toString('latin1'));
}

/**
 * Splits an mbox (RFC 4155, and the variants mboxo and mboxrd) into its messages, byte for byte but for the quoting
 * of `From ` lines, which is undone. Holds one message in memory at a time, and none larger than `maxBytes`.
 *
 * The first line that begins with `From ` begins a message whatever follows; where it bears a date as mbox wants it,
 * so must the others.
 *
 * @example for await (const found of splitMbox(createReadStream('old.mbox'), 25 * 1_048_576)) …
 */
export async function* splitMbox(
  chunks: Iterable<Buffer> | AsyncIterable<Buffer>,
  maxBytes: number,
): AsyncGenerator<FoundMessage> {
  const message = new MessageCollector(maxBytes);
  let separator: RegExp | undefined;
  let atLineStart = true;
  let afterBlank = true;
  for await (const pieces of piecesOf(chunks)) {
    for (const piece of pieces) {
      const isLine = atLineStart;
      atLineStart = piece.at(-1) === NEWLINE;
      if (isLine && afterBlank && piece[0] === LETTER_F && (separator ?? ANY).test(headOf(piece))) {
        separator ??= DATED.test(headOf(piece)) ? DATED : ANY;
        const found = message.finish();
        if (found !== undefined) yield found;
        message.begin();
        afterBlank = false;
        continue;
      }
      afterBlank = isLine && isBlank(piece);
      const isQuoted = isLine && piece[0] === GREATER && QUOTED.test(headOf(piece));
      message.add(isQuoted ? piece.subarray(1) : piece);
    }
  }
  const found = message.finish();
  if (found !== undefined) yield found;
}

/** One message as it comes, piece by piece. What comes before the first `begin()` is no message. */
class MessageCollector {
  readonly #maxBytes: number;
  #pieces: Buffer[] = [];
  #bytes = 0;
  #begun = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  begin(): void {
    this.#pieces = [];
    this.#bytes = 0;
    this.#begun = true;
  }

  add(piece: Buffer): void {
    if (!this.#begun) return;
    this.#bytes += piece.length;
    if (this.#bytes <= this.#maxBytes + LONGEST_BLANK) this.#pieces.push(piece);
    else this.#pieces = [];
  }

  finish(): FoundMessage | undefined {
    if (!this.#begun || this.#bytes === 0) return undefined;
    if (this.#bytes > this.#maxBytes + LONGEST_BLANK) return { kind: 'too-large', bytes: this.#bytes };
    const raw = withoutLastBlank(Buffer.concat(this.#pieces));
    return raw.length > this.#maxBytes ? { kind: 'too-large', bytes: raw.length } : { kind: 'message', raw };
  }
}

/** The blank line after a message, at most. */
const LONGEST_BLANK = 2;

function headOf(piece: Buffer): string {
  return piece.toString('latin1', 0, LINE_HEAD);
}

function isBlank(line: Buffer): boolean {
  return (line.length === 1 && line[0] === NEWLINE) || (line.length === 2 && line[0] === RETURN);
}

/** The blank line before the next separator belongs to the mailbox, not to the message. */
function withoutLastBlank(raw: Buffer): Buffer {
  if (raw.at(-1) !== NEWLINE) return raw;
  const end = raw.at(-2) === RETURN ? raw.length - 2 : raw.length - 1;
  return end > 0 && raw[end - 1] === NEWLINE ? raw.subarray(0, end) : raw;
}

/** Beyond this a line is passed on in pieces, so that one without an end does not grow quadratically. */
const LONGEST_PIECE = 1_048_576;

/** The lines of each chunk, with their ends; a very long line in several pieces. */
async function* piecesOf(chunks: Iterable<Buffer> | AsyncIterable<Buffer>): AsyncGenerator<Buffer[]> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    const data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const pieces: Buffer[] = [];
    let start = 0;
    for (let end = data.indexOf(NEWLINE); end >= 0; end = data.indexOf(NEWLINE, start)) {
      pieces.push(data.subarray(start, end + 1));
      start = end + 1;
    }
    rest = data.subarray(start);
    if (rest.length > LONGEST_PIECE) {
      pieces.push(rest);
      rest = Buffer.alloc(0);
    }
    yield pieces;
  }
  if (rest.length > 0) yield [rest];
}
