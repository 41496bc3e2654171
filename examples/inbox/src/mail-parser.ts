import { Parser } from 'htmlparser2';
import PostalMime, { type Address } from 'postal-mime';
import { MessageRefusedError } from './errors.ts';

/** What is kept of a message besides its bytes. */
export interface ParsedMail {
  readonly messageId: string | undefined;
  readonly subject: string;
  readonly sender: string;
  readonly recipients: string;
  /** Milliseconds since the epoch; `undefined` where the message names no date that is one. */
  readonly sentAt: number | undefined;
  readonly text: string;
  readonly attachments: number;
}

/** A date header can say anything; beyond this it is not a date anybody sent mail on. */
const LATEST = Date.UTC(2200, 0, 1);

/**
 * Reads a message as mail. Lenient where mail is sloppy: only what has no header at all, or would take the parser
 * beyond its bounds, is refused.
 *
 * @throws {MessageRefusedError} saying why
 */
export async function parseMail(raw: Uint8Array): Promise<ParsedMail> {
  const mail = await PostalMime.parse(raw, { maxNestingDepth: 100, maxHeadersSize: 1_048_576 }).catch(
    (error: unknown) => {
      throw new MessageRefusedError(error instanceof Error ? error.message : 'it cannot be parsed', error);
    },
  );
  if (!mail.headers.some(({ value }) => value !== '')) throw new MessageRefusedError('it has no headers');
  const text = mail.text?.trim() || (mail.html === undefined ? '' : textOfHtml(mail.html));
  const sentAt = Date.parse(mail.date ?? '');
  return {
    messageId: clean(mail.messageId),
    subject: clean(mail.subject) ?? '',
    sender: mail.from === undefined ? '' : describe(mail.from),
    recipients: [...(mail.to ?? []), ...(mail.cc ?? [])].map(describe).join(', '),
    sentAt: sentAt >= 0 && sentAt < LATEST ? sentAt : undefined,
    text: withoutNul(text),
    attachments: mail.attachments.length,
  };
}

function describe(address: Address): string {
  if (address.group !== undefined) return address.group.map(describe).join(', ');
  const name = withoutNul(address.name);
  return name === '' ? withoutNul(address.address) : `${name} <${withoutNul(address.address)}>`;
}

function clean(text: string | undefined): string | undefined {
  return text === undefined ? undefined : withoutNul(text).trim();
}

/** A NUL ends text for much that may read the database later. */
function withoutNul(text: string): string {
  return text.replaceAll('\0', '');
}

const INVISIBLE: ReadonlySet<string> = new Set(['script', 'style', 'head', 'title']);
const BREAKS: ReadonlySet<string> = new Set(['br', 'p', 'div', 'tr', 'li', 'h1', 'h2', 'h3', 'td']);

/** What a person would read of a page: enough to search in. */
function textOfHtml(html: string): string {
  let text = '';
  let hidden = 0;
  const parser = new Parser({
    onopentag(name) {
      if (INVISIBLE.has(name)) hidden += 1;
      if (BREAKS.has(name)) text += '\n';
    },
    ontext(part) {
      if (hidden === 0) text += part;
    },
    onclosetag(name) {
      if (INVISIBLE.has(name)) hidden -= 1;
    },
  });
  parser.write(html);
  parser.end();
  return text
    .replaceAll(/[ \t]+/g, ' ')
    .replaceAll(/\s*\n\s*/g, '\n')
    .trim();
}
