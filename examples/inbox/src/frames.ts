import { FramesBrokenError } from './errors.ts';

const LENGTH_BYTES = 4;

/** Messages as one body: each is four bytes of length, most significant first, then its bytes. */
export function joinFrames(messages: readonly Uint8Array[]): Buffer {
  const parts = messages.flatMap((message) => {
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt32BE(message.length);
    return [length, message];
  });
  return Buffer.concat(parts);
}

/**
 * The messages of a body, as views on it.
 *
 * @throws {FramesBrokenError} when the lengths do not add up to the body
 */
export function splitFrames(body: Buffer): Buffer[] {
  const messages: Buffer[] = [];
  let offset = 0;
  while (offset < body.length) {
    if (offset + LENGTH_BYTES > body.length) throw new FramesBrokenError();
    const end = offset + LENGTH_BYTES + body.readUInt32BE(offset);
    if (end > body.length) throw new FramesBrokenError();
    messages.push(body.subarray(offset + LENGTH_BYTES, end));
    offset = end;
  }
  return messages;
}
