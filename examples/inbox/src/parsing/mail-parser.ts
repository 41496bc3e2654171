import PostalMime, { type Address, type Email } from 'postal-mime';
import { MessageRefusedError } from '../errors.ts';
import { textOfHtml } from './html-text.ts';
import { dateOf } from './mail-date.ts';
import { wellFormedMail } from './well-formed-mail.ts';

/** The parts of a message that are stored besides its bytes. */
export interface ParsedMail {
  readonly messageId: string | undefined;
  readonly subject: string;
  readonly sender: string;
  readonly recipients: string;
  /** Milliseconds since 1970; `undefined` if the message has no valid date. */
  readonly sentAt: number | undefined;
  /** The readable text, at most {@link TEXT_KEPT} characters. */
  readonly text: string;
  readonly attachments: number;
}

/** The number of characters of a message that are indexed. All bytes are stored. */
export const TEXT_KEPT = 1_000_000;

/** The number of characters of a header that are stored, which is enough for any real subject or list of recipients. */
const HEADER_KEPT = 10_000;

/** Common names of headers. Input counts as mail if it has at least one of them. */
const HEADER_NAME = /^[a-z][a-z0-9-]*$/i;

/** The depth of attached messages whose text is read. */
const ATTACHED_DEPTH = 3;

/** The HTML part is used if its text is this many times as long as the plain part. */
const USELESS_PLAIN = 4;

/**
 * Parses a message (RFC 5322, MIME). Malformed mail is tolerated: only input that has no header at all, or would
 * take the parser beyond its bounds, is refused.
 *
 * @throws {MessageRefusedError} saying why
 * @example (await parseMail(Buffer.from('Subject: Hello\n\nYou'))).subject // 'Hello'
 */
export async function parseMail(raw: Uint8Array): Promise<ParsedMail> {
  const mail = await parse(wellFormedMail(raw)).catch((error: unknown) => {
    throw new MessageRefusedError(error instanceof Error ? error.message : 'it cannot be parsed', error);
  });
  if (!mail.headers.some(({ key, value }) => HEADER_NAME.test(key) && value !== ''))
    throw new MessageRefusedError('it has no headers');
  const text = await textOf(mail, ATTACHED_DEPTH);
  return {
    messageId: mail.messageId === undefined ? undefined : header(mail.messageId),
    subject: header(mail.subject ?? ''),
    sender: mail.from === undefined ? '' : header(describe(mail.from)),
    recipients: header([...(mail.to ?? []), ...(mail.cc ?? [])].map(describe).join(', ')),
    sentAt: dateOf(mail.headers.find(({ key }) => key === 'date')?.value ?? ''),
    text: withoutNul(text.slice(0, TEXT_KEPT)),
    attachments: mail.attachments.length,
  };
}

function parse(mail: Uint8Array): Promise<Email> {
  return PostalMime.parse(mail, { maxNestingDepth: 100, maxHeadersSize: 1_048_576 });
}

/** The readable text of a message, followed by the text of attached messages. */
async function textOf(mail: Email, depth: number): Promise<string> {
  let text = bodyOf(mail);
  for (const { mimeType, content } of mail.attachments) {
    if (depth === 0 || text.length > TEXT_KEPT) break;
    if (mimeType !== 'message/rfc822' || typeof content === 'string') continue;
    // An attached message that cannot be read is an attachment like any other.
    const attached = await parse(wellFormedMail(new Uint8Array(content))).catch(() => undefined);
    if (attached !== undefined) text += `\n\n${attached.subject ?? ''}\n${await textOf(attached, depth - 1)}`;
  }
  return text.trim();
}

/**
 * The plain part; the HTML part if there is no plain part; both if the plain part only refers to the HTML part.
 */
function bodyOf({ text = '', html }: Email): string {
  const plain = text.trim();
  const page = html === undefined ? '' : textOfHtml(html);
  return page.length > USELESS_PLAIN * plain.length ? `${page}\n\n${plain}`.trim() : plain || page;
}

function describe(address: Address): string {
  if (address.group !== undefined) return address.group.map(describe).join(', ');
  return address.name === '' ? address.address : `${address.name} <${address.address}>`;
}

function header(text: string): string {
  return withoutNul(text).trim().slice(0, HEADER_KEPT);
}

/** A NUL ends text for much that may read the database later, and half a surrogate pair is no text. */
function withoutNul(text: string): string {
  return text.replaceAll('\0', '').toWellFormed();
}
