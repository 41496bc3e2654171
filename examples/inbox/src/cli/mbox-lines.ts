export const LINE_FEED = 0x0a;
export const RETURN = 0x0d;

/** The byte that ends a line. */
export type Newline = typeof LINE_FEED | typeof RETURN;

/** The number of characters by which a line is recognised. */
const HEAD = 512;

/** A line of a file including its line end, or one piece of a very long line. */
export class Line {
  readonly bytes: Buffer;
  /** Offset in the file. */
  readonly start: number;
  /** Offset of the byte after the last. */
  readonly end: number;
  /** Whether this is the beginning of a line, and not a later piece of a long one. */
  readonly isStart: boolean;

  constructor(bytes: Buffer, start: number, end: number, isStart: boolean) {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    this.isStart = isStart;
  }

  /** Whether the line is empty. */
  get isBlank(): boolean {
    const [first, second] = this.bytes;
    if (!this.isStart) return false;
    if (this.bytes.length === 1) return first === LINE_FEED || first === RETURN;
    return this.bytes.length === 2 && first === RETURN && second === LINE_FEED;
  }

  /** The first characters, one for each byte. */
  get head(): string {
    return this.bytes.toString('latin1', 0, HEAD);
  }
}

/** A longer line is split into pieces, since collecting an endless line takes quadratic time. */
const LONGEST_PIECE = 1_048_576;

/** The mark that some editors put at the beginning of UTF-8. It is no part of the first line. */
export const BYTE_ORDER_MARK: Uint8Array = Uint8Array.of(0xef, 0xbb, 0xbf);

/** The line end of a file that begins so: a lone carriage return in files of the classic Mac OS, else a line feed. */
export function newlineOf(head: Uint8Array): Newline {
  return head.includes(RETURN) && !head.includes(LINE_FEED) ? RETURN : LINE_FEED;
}

/** The lines of each chunk, including their line ends. */
export async function* linesOf(
  chunks: Iterable<Buffer> | AsyncIterable<Buffer>,
  newline: Newline,
): AsyncGenerator<Line[]> {
  let rest: Buffer = Buffer.alloc(0);
  let offset = 0;
  let isStart = true;
  const lineOf = (bytes: Buffer): Line => {
    const start = offset;
    offset += bytes.length;
    const line = new Line(start === 0 ? withoutMark(bytes) : bytes, start, offset, isStart);
    isStart = bytes.at(-1) === newline;
    return line;
  };
  for await (const chunk of chunks) {
    const data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const lines: Line[] = [];
    let start = 0;
    for (let end = data.indexOf(newline); end >= 0; end = data.indexOf(newline, start)) {
      lines.push(lineOf(data.subarray(start, end + 1)));
      start = end + 1;
    }
    rest = data.subarray(start);
    if (rest.length > LONGEST_PIECE) {
      lines.push(lineOf(rest));
      rest = Buffer.alloc(0);
    }
    yield lines;
  }
  if (rest.length > 0) yield [lineOf(rest)];
}

function withoutMark(bytes: Buffer): Buffer {
  return bytes.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK)
    ? bytes.subarray(BYTE_ORDER_MARK.length)
    : bytes;
}
