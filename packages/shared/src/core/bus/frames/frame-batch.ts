import { isUtf8 } from 'node:buffer';
import { type Batch, type BatchHeader, NO_NUMBER } from '../messages/batch.ts';
import { decodeBody } from '../messages/codec.ts';
import { attributeFault } from '../messages/message.ts';

/**
 * The encoding of a batch in a frame. The header has the attributes that all messages of the batch share.
 *
 * ```
 * u32 length of what follows | u16 length of the header | header | messages
 * header:  u16+ topic | u8+ source | u48 time | u48 time left | u8+ content type | u8+ id prefix | u8+ traceparent | u16+ replyto
 * message: u48 number | u32+ body
 * ```
 * `u16+` is a length followed by that many bytes. All numbers are big-endian.
 */

/** The latest time that a `Date` can represent. */
const LAST_MS = 8.64e15;

/** The maximum of the field "time left", in milliseconds. It is smaller than any date that a peer may write there by mistake. */
export const LONGEST_TIME_LEFT_MS = 2 ** 31 - 1;

/** Bytes of the two lengths at the beginning of a batch. */
export const BATCH_LENGTHS = 6;

/** Bytes of a message besides its body. */
export const MESSAGE_OVERHEAD = 10;

const BYTES = 'application/octet-stream';

/** Bodies up to this size share one allocation, as small Node buffers do: separate allocations would dominate the cost. */
const SMALL = 1_024;
/** The size of an allocation that small bodies share. */
const SHARED = 8_192;

/** A batch within a frame. It can be copied to another frame without decoding; a body is decoded when a handler receives it. */
export class FrameBatch implements Batch {
  readonly header: BatchHeader;
  /** The time left in milliseconds, as the frame states it; `undefined` for no limit. */
  readonly timeLeftMs: number | undefined;
  readonly frame: Buffer;
  /** The offset of the header, which follows the two lengths. */
  readonly start: number;
  /** The offset of the first message. */
  readonly messages: number;
  /** The offsets of the messages, relative to `messages`, and of the end of the last one. */
  readonly #offsets: Uint32Array;
  #shared = new Uint8Array(0);
  /** `#shared` has the bytes of the messages from `#sharedFrom` up to, but not including, `#sharedTo`. */
  #sharedFrom = 0;
  #sharedTo = 0;

  constructor(
    header: BatchHeader,
    place: Pick<FrameBatch, 'frame' | 'start' | 'messages'>,
    offsets: Uint32Array,
    timeLeftMs: number | undefined = undefined,
  ) {
    this.header = header;
    this.timeLeftMs = timeLeftMs;
    this.frame = place.frame;
    this.start = place.start;
    this.messages = place.messages;
    this.#offsets = offsets;
  }

  get length(): number {
    return this.#offsets.length - 1;
  }

  /** The offset of the end of the batch. */
  get end(): number {
    return this.at(this.length);
  }

  /** The offset of a message in the frame. */
  at(index: number): number {
    return this.messages + (this.#offsets[index] ?? 0);
  }

  /** Bytes of the messages from `from` up to, but not including, `to`. */
  bytes(from: number, to: number): number {
    return (this.#offsets[to] ?? 0) - (this.#offsets[from] ?? 0);
  }

  number(index: number): number {
    const at = this.at(index);
    return this.frame.readUInt16BE(at) * 0x100000000 + this.frame.readUInt32BE(at + 2);
  }

  /** Returns new memory on each call. Each subscription has a batch of its own, so that no payload is shared. */
  payload(index: number): unknown {
    const { topic, contentType } = this.header;
    if (contentType === BYTES) return this.#copyOf(index);
    return decodeBody(
      topic,
      this.frame.subarray(this.at(index) + MESSAGE_OVERHEAD, this.at(index + 1)),
      contentType,
    );
  }

  part(from: number, to: number): FrameBatch {
    return from === 0 && to === this.length ? this : this.#copy(from, to);
  }

  /** The same messages, as a batch for another receiver. */
  twin(): FrameBatch {
    return new FrameBatch(this.header, this, this.#offsets, this.timeLeftMs);
  }

  /** Copies the batch if it is less than half of its frame, so that it does not retain the whole frame. */
  detached(): FrameBatch {
    return (this.end - this.start) * 2 >= this.frame.length ? this : this.#copy(0, this.length);
  }

  #copy(from: number, to: number): FrameBatch {
    const headerLength = this.messages - this.start;
    const frame = Buffer.allocUnsafeSlow(headerLength + this.bytes(from, to));
    this.frame.copy(frame, 0, this.start, this.messages);
    this.frame.copy(frame, headerLength, this.at(from), this.at(to));
    const first = this.#offsets[from] ?? 0;
    const offsets = this.#offsets.slice(from, to + 1).map((offset) => offset - first);
    return new FrameBatch(this.header, { frame, start: 0, messages: headerLength }, offsets, this.timeLeftMs);
  }

  #copyOf(index: number): Uint8Array {
    const from = this.at(index) + MESSAGE_OVERHEAD;
    const to = this.at(index + 1);
    if (to - from > SMALL) return new Uint8Array(this.frame.subarray(from, to));
    if (index < this.#sharedFrom || index >= this.#sharedTo) this.#share(index);
    const offset = this.bytes(this.#sharedFrom, index) + MESSAGE_OVERHEAD;
    return new Uint8Array(this.#shared.buffer, offset, to - from);
  }

  /** Copies as many messages, from `index` on, as fit into one shared allocation. */
  #share(index: number): void {
    let to = index + 1;
    while (to < this.length && this.bytes(index, to + 1) <= SHARED) to += 1;
    this.#sharedFrom = index;
    this.#sharedTo = to;
    this.#shared = new Uint8Array(this.bytes(index, to));
    this.#shared.set(this.frame.subarray(this.at(index), this.at(to)));
  }
}

/**
 * Reads the batch that begins at `start`. Returns `undefined` if the batch is malformed: a length is out of bounds, there is no
 * message, bytes are left over, or text is not UTF-8.
 */
export function readBatch(frame: Buffer, start: number): FrameBatch | undefined {
  if (start + BATCH_LENGTHS > frame.length) return undefined;
  const end = start + 4 + frame.readUInt32BE(start);
  const headerStart = start + BATCH_LENGTHS;
  const messages = headerStart + frame.readUInt16BE(start + 4);
  if (end > frame.length || messages > end) return undefined;
  const offsets = readOffsets(frame, messages, end);
  const read = offsets === undefined ? undefined : readHeader(frame, headerStart, messages);
  if (offsets === undefined || read === undefined) return undefined;
  return new FrameBatch(read.header, { frame, start: headerStart, messages }, offsets, read.timeLeftMs);
}

/** The offsets of the messages and of the end of the last; `undefined` when they do not fill the space exactly. */
function readOffsets(frame: Buffer, start: number, end: number): Uint32Array | undefined {
  let count = 0;
  let at = start;
  for (; at + MESSAGE_OVERHEAD <= end; count += 1) at += MESSAGE_OVERHEAD + frame.readUInt32BE(at + 6);
  if (at !== end || count === 0) return undefined;
  const offsets = new Uint32Array(count + 1);
  at = start;
  for (let index = 1; index <= count; index += 1) {
    at += MESSAGE_OVERHEAD + frame.readUInt32BE(at + 6);
    offsets[index] = at - start;
  }
  return offsets;
}

function readHeader(
  frame: Buffer,
  start: number,
  end: number,
): { readonly header: BatchHeader; readonly timeLeftMs: number | undefined } | undefined {
  let at = start;
  let isSound = true;
  const number = (bytes: number): number => {
    if (at + bytes > end) {
      isSound = false;
      return 0;
    }
    at += bytes;
    return frame.readUIntBE(at - bytes, bytes);
  };
  const text = (lengthBytes: number): string => {
    const length = number(lengthBytes);
    if (at + length > end) isSound = false;
    if (!isSound) return '';
    at += length;
    const value = frame.toString('utf8', at - length, at);
    // Bytes that are not UTF-8 are decoded as U+FFFD, which may also have been sent as such.
    if (value.includes('\ufffd') && !isUtf8(frame.subarray(at - length, at))) isSound = false;
    return value;
  };
  const topic = text(2);
  const source = text(1);
  const timeMs = number(6);
  const timeLeftMs = number(6);
  const contentType = text(1);
  const idPrefix = text(1);
  const traceparent = text(1);
  const replyto = text(2);
  if (!isSound || contentType === '' || idPrefix === '' || timeMs > LAST_MS) return undefined;
  return {
    timeLeftMs: timeLeftMs === 0 ? undefined : timeLeftMs,
    header: {
      topic,
      source,
      timeMs,
      contentType,
      idPrefix,
      traceparent: traceparent === '' ? undefined : traceparent,
      replyto: replyto === '' ? undefined : replyto,
      deadline: timeLeftMs === 0 ? undefined : deadlineAfter(timeLeftMs),
      checkedBy: undefined,
    },
  };
}

/** The maximum number of bytes that {@link writeBatchStart} writes for `header`. */
export function batchStartLimit(header: BatchHeader): number {
  const { topic, source, contentType, idPrefix, traceparent = '', replyto = '' } = header;
  const characters =
    topic.length + source.length + contentType.length + idPrefix.length + traceparent.length + replyto.length;
  return BATCH_LENGTHS + 20 + characters * 3;
}

/**
 * Writes the lengths and the header of a batch at `start` and returns the offset of its first message. {@link writeBatchEnd}
 * adds the length of the batch later.
 */
export function writeBatchStart(frame: Buffer, start: number, header: BatchHeader): number {
  let at = start + BATCH_LENGTHS;
  const text = (value: string, lengthBytes: number): void => {
    const length = frame.write(value, at + lengthBytes);
    frame.writeUIntBE(length, at, lengthBytes);
    at += lengthBytes + length;
  };
  text(header.topic, 2);
  text(header.source, 1);
  at = frame.writeUIntBE(header.timeMs, at, 6);
  at = frame.writeUIntBE(header.deadline === undefined ? 0 : timeLeftUntil(header.deadline), at, 6);
  text(header.contentType, 1);
  text(header.idPrefix, 1);
  text(header.traceparent ?? '', 1);
  text(header.replyto ?? '', 2);
  frame.writeUInt16BE(at - start - BATCH_LENGTHS, start + 4);
  return at;
}

/** Writes the length of the batch that begins at `start`, after its messages have been written. */
export function writeBatchEnd(frame: Buffer, start: number, end: number): void {
  frame.writeUInt32BE(end - start - 4, start);
}

/** Updates the time left of a batch that has waited since it was written; its header begins at `header`. */
export function writeTimeLeft(frame: Buffer, header: number, timeLeftMs: number): void {
  const source = header + 2 + frame.readUInt16BE(header);
  const time = source + 1 + frame.readUInt8(source);
  frame.writeUIntBE(timeLeftMs, time + 6, 6);
}

/** The deadline, by `performance.now()`, of an answer that may take `timeLeftMs`. A value of 1 means that it has passed. */
function deadlineAfter(timeLeftMs: number): number {
  return performance.now() + (timeLeftMs > 1 ? timeLeftMs : 0);
}

/** The field "time left" for `deadline`. Its minimum is 1, since 0 means that there is no limit. */
export function timeLeftUntil(deadline: number): number {
  return Math.min(LONGEST_TIME_LEFT_MS, Math.max(1, Math.ceil(deadline - performance.now())));
}

/** The first invalid attribute and the reason; `undefined` when all are valid. */
export function headerFault({
  source,
  idPrefix,
  contentType,
  traceparent = '',
}: Pick<BatchHeader, 'source' | 'idPrefix' | 'contentType' | 'traceparent'>):
  | { readonly name: 'source' | 'id' | 'datacontenttype' | 'traceparent'; readonly reason: string }
  | undefined {
  for (const [name, value] of [
    ['source', source],
    ['id', idPrefix],
    ['datacontenttype', contentType],
    ['traceparent', traceparent],
  ] as const) {
    const reason = attributeFault(value);
    if (reason !== undefined) return { name, reason };
  }
  return undefined;
}

export { NO_NUMBER };
