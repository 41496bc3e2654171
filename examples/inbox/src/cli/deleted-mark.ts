/** The number of characters in which the header is searched for. */
const HEADER = 65_536;

/** Mozilla's status bit for a message that was deleted, and is in the file only until the folder is compacted. */
const EXPUNGED = 0x0008;

/**
 * Whether a mail program has marked the message as deleted without removing it yet: Thunderbird in `X-Mozilla-Status`,
 * mutt and pine in `X-Status`.
 *
 * @see https://www.eyrich-net.org/mozilla/X-Mozilla-Status.html
 */
export function isMarkedDeleted(raw: Buffer): boolean {
  const head = raw.toString('latin1', 0, HEADER);
  const end = /\r?\n\r?\n|\r\r/.exec(head)?.index ?? head.length;
  const header = head.slice(0, end);
  const mozilla = /^X-Mozilla-Status:[ \t]*([0-9a-f]{1,8})\s*$/im.exec(header)?.[1];
  if (mozilla !== undefined && (Number.parseInt(mozilla, 16) & EXPUNGED) !== 0) return true;
  return /^X-Status:[^\r\n]*D/im.test(header);
}

/** Whether the name of a file in a Maildir marks its message as deleted. */
export function isNamedDeleted(where: string): boolean {
  return /[:;]2,[A-Za-z]*T[A-Za-z]*$/.test(where);
}
