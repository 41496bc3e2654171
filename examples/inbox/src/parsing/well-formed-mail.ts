import { TextDecoder } from 'node:util';
import { detect } from 'chardet';

const LINE_FEED = 0x0a;
const RETURN = 0x0d;

/** Text that some programs write before the header: blank lines, a byte order mark, a line of Microsoft's. */
const BEFORE_HEADER = /^(?:\xef\xbb\xbf)?[\r\n]*(?:Microsoft Mail Internet Headers[^\n]*\n)?[\r\n]*/;

/** The declared charset of a part. An unencoded header usually has the same charset. */
const CHARSET = /^content-type:[^\n]*(?:\n[ \t][^\n]*)*?charset\*?=\s*"?([\w.:-]{1,40})/im;

/** The number of bytes by which an undeclared charset is guessed. */
const SAMPLE = 65_536;

/** The fallback charset: the one that most programs used before charsets were declared. */
const DEFAULT_CHARSET = 'windows-1252';

/**
 * Converts a message of an old mailbox to the form that a parser of RFC 5322 and MIME expects: text before
 * the header is left out, lines end with a line feed, text in a charset that the message does not name is UTF-8, and an
 * encoded word that ends within a character is joined with the next.
 *
 * The original message is stored; the converted one is only parsed.
 */
export function wellFormedMail(raw: Uint8Array): Uint8Array {
  const bytes = withLineFeeds(Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength));
  const start = BEFORE_HEADER.exec(bytes.toString('latin1', 0, 1_024))?.[0].length ?? 0;
  const mail = bytes.subarray(start);
  const headerEnd = endOfHeader(mail);
  const named = CHARSET.exec(mail.toString('latin1'))?.[1];
  const charset = named ?? guessCharset(mail);
  const header = joinedWords(asUtf8(mail.subarray(0, headerEnd), charset));
  const body = mail.subarray(headerEnd);
  // The parser decodes a part that names its charset.
  return Buffer.concat([header, named === undefined ? asUtf8(body, charset) : body]);
}

function withLineFeeds(bytes: Buffer): Buffer {
  if (bytes.includes(LINE_FEED) || !bytes.includes(RETURN)) return bytes;
  return Buffer.from(bytes.map((byte) => (byte === RETURN ? LINE_FEED : byte)));
}

/** The offset after the blank line that ends the header; the length if there is no body. */
function endOfHeader(mail: Buffer): number {
  const ends = ['\n\n', '\n\r\n'].flatMap((blank) => {
    const at = mail.indexOf(blank);
    return at < 0 ? [] : [at + blank.length];
  });
  return Math.min(...ends, mail.length);
}

/** The guessed charset of bytes; `undefined` for UTF-8, including ASCII. */
function guessCharset(mail: Buffer): string | undefined {
  // Whole lines, so that a character at the end of the sample is not cut.
  const end = mail.length > SAMPLE ? mail.lastIndexOf(LINE_FEED, SAMPLE) + 1 || SAMPLE : mail.length;
  const lines = mail.subarray(0, end);
  if (isUtf8(lines)) return undefined;
  // ASCII tells nothing of a charset, and outweighs the rest.
  const foreign = lines
    .toString('latin1')
    .split(/\s+/)
    .filter((word) => /[\x80-\xff]/.test(word))
    .join(' ');
  return detect(Buffer.from(foreign, 'latin1')) ?? DEFAULT_CHARSET;
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

function asUtf8(bytes: Buffer, charset: string | undefined): Buffer {
  if (charset === undefined || isUtf8(bytes)) return bytes;
  return Buffer.from(decoderOf(charset).decode(bytes));
}

function decoderOf(charset: string): TextDecoder {
  try {
    return new TextDecoder(charset);
  } catch {
    return new TextDecoder(DEFAULT_CHARSET);
  }
}

/** Encoded words of one charset in base64, with folding white space between them. */
const WORDS = /=\?([^?\s]{1,40})\?B\?[A-Za-z0-9+/=]*\?=(?:[ \t\r\n]+=\?\1\?B\?[A-Za-z0-9+/=]*\?=)+/gi;
const CONTENT = /\?B\?([A-Za-z0-9+/=]*)\?=/gi;

/**
 * Joins separately padded base64 words of one charset that split a character. A writer must
 * not do that (RFC 2047, section 5); many did.
 */
function joinedWords(header: Buffer): Buffer {
  const text = header.toString('latin1');
  if (!/=\?=/.test(text)) return header;
  const joined = text.replace(WORDS, (words, charset: string) => {
    const contents = [...words.matchAll(CONTENT)].map(([, content = '']) => Buffer.from(content, 'base64'));
    return `=?${charset}?B?${Buffer.concat(contents).toString('base64')}?=`;
  });
  return Buffer.from(joined, 'latin1');
}
