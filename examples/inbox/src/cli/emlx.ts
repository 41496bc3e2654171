/** Bit of the flags in which Apple Mail notes that a message was deleted. */
const DELETED = 2;

/** A message of Apple Mail's own format. */
export interface EmlxMessage {
  readonly raw: Buffer;
  readonly isDeleted: boolean;
  /** The number of bytes that are missing, according to the length in the first line. */
  readonly missing: number;
}

/** Whether a file that begins so is of Apple Mail's format: a line with a number, then a header. */
export function beginsAsEmlx(head: Buffer): boolean {
  return /^\d{1,12}[ \t]*\r?\n[A-Za-z][\w.-]*[ \t]*:/.test(head.toString('latin1'));
}

/**
 * Reads an `.emlx` file: a line with the length of the message in bytes, the message, and a property list.
 *
 * @param content a file for which {@link beginsAsEmlx} holds
 */
export function readEmlx(content: Buffer): EmlxMessage {
  const start = content.indexOf('\n') + 1;
  const length = Number.parseInt(content.toString('latin1', 0, start), 10);
  const raw = content.subarray(start, start + length);
  const properties = content.toString('utf8', start + length);
  const flags = /<key>flags<\/key>\s*<integer>(\d{1,15})<\/integer>/.exec(properties)?.[1];
  return {
    raw,
    isDeleted: (BigInt(flags ?? 0) & BigInt(DELETED)) !== 0n,
    missing: length - raw.length,
  };
}
