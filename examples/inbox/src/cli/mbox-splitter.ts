/** A message found in a mailbox, or one that was too large to keep in memory. */
export type FoundMessage =
  | { readonly kind: 'message'; readonly raw: Buffer }
  | { readonly kind: 'too-large'; readonly bytes: number };

const NEWLINE = 0x0a;

/**
 * The line that begins a message in an mbox file: `From `, an address, and a date as asctime() writes it. Demanding
 * the date keeps sentences that begin with "From " in their message, where the writer did not quote them.
 */
const SEPARATOR =
  /^From \S.* (?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? +(?:\d{1,2} +)?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\b.*\d{2}:\d{2}.*$/;
const QUOTED = /^>+From /;
const FROM = Buffer.from('From ');

/** Whether a file that begins so is an mbox. */
export function beginsAsMbox(head: Buffer): boolean {
  return head.subarray(0, FROM.length).equals(FROM);
}

/**
 * Splits an mbox (RFC 4155, and the variants mboxo and mboxrd) into its messages, byte for byte but for the quoting
 * of `From ` lines, which is undone. Holds one message in memory at a time, and none larger than `maxBytes`.
 *
 * @example for await (const found of splitMbox(createReadStream('old.mbox'), 25 * 1_048_576)) …
 */
export async function* splitMbox(
  chunks: AsyncIterable<Buffer>,
  maxBytes: number,
): AsyncGenerator<FoundMessage> {
  let lines: Buffer[] = [];
  let bytes = 0;
  let begun = false;
  let afterBlank = true;
  const finish = (): FoundMessage | undefined => {
    if (!begun || bytes === 0) return undefined;
    if (bytes > maxBytes) return { kind: 'too-large', bytes };
    return { kind: 'message', raw: withoutLastBlank(Buffer.concat(lines)) };
  };
  for await (const line of linesOf(chunks)) {
    if (afterBlank && isSeparator(line)) {
      const found = finish();
      if (found !== undefined) yield found;
      [lines, bytes, begun, afterBlank] = [[], 0, true, false];
      continue;
    }
    afterBlank = isBlank(line);
    // What stands before the first separator is no message.
    if (!begun) continue;
    const unquoted =
      line[0] === 0x3e && QUOTED.test(line.toString('latin1', 0, 64)) ? line.subarray(1) : line;
    bytes += unquoted.length;
    if (bytes <= maxBytes) lines.push(unquoted);
    else lines = [];
  }
  const found = finish();
  if (found !== undefined) yield found;
}

function isSeparator(line: Buffer): boolean {
  return (
    line.length > FROM.length &&
    beginsAsMbox(line) &&
    SEPARATOR.test(line.toString('latin1', 0, 512).trimEnd())
  );
}

function isBlank(line: Buffer): boolean {
  return (line.length === 1 && line[0] === NEWLINE) || (line.length === 2 && line[0] === 0x0d);
}

/** The blank line before the next separator belongs to the mailbox, not to the message. */
function withoutLastBlank(raw: Buffer): Buffer {
  if (raw.at(-1) !== NEWLINE) return raw;
  const end = raw.at(-2) === 0x0d ? raw.length - 2 : raw.length - 1;
  return end > 0 && raw[end - 1] === NEWLINE ? raw.subarray(0, end) : raw;
}

/** Lines with their ends. A line longer than a chunk comes in pieces: only the first can begin with `From `. */
async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    const data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let start = 0;
    for (let end = data.indexOf(NEWLINE); end >= 0; end = data.indexOf(NEWLINE, start)) {
      yield data.subarray(start, end + 1);
      start = end + 1;
    }
    rest = data.subarray(start);
    if (rest.length > LONGEST_LINE) {
      yield rest;
      rest = Buffer.alloc(0);
    }
  }
  if (rest.length > 0) yield rest;
}

/** Beyond this a line is passed on in pieces, so that one without an end does not grow quadratically. */
const LONGEST_LINE = 1_048_576;
