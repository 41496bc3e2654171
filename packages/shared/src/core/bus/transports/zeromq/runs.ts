import { isUtf8 } from 'node:buffer';
import { attributeFault } from '../../messages/message.ts';

/**
 * A run: messages of one topic and publisher that follow each other, with what they have in common written once.
 *
 * ```
 * u32 length of what follows | u16 length of the header | header | messages
 * header:  u16+ topic | u8+ source | u48 time | u48 time left | u8+ content type | u8+ id prefix | u8+ traceparent | u16+ replyto
 * message: u48 number | u32+ body
 * ```
 * `u16+` is a length and so many bytes. All numbers are big-endian.
 */

/** Of a message whose id is the id prefix alone. */
export const NO_NUMBER = 2 ** 48 - 1;

/** The last moment that has a date. */
const LAST_MS = 8.64e15;

/** The longest time left that a run may state, in milliseconds: a date in its place is larger. */
export const LONGEST_TIME_LEFT_MS = 2 ** 31 - 1;

/** Bytes of a message besides its body. */
export const MESSAGE_OVERHEAD = 10;

/** What the messages of a run have in common. */
export interface RunHead {
  readonly topic: string;
  readonly source: string;
  readonly timeMs: number;
  /** Milliseconds for which an answer is still awaited when the frame is sent; 1 where that is over. */
  readonly timeLeftMs: number | undefined;
  readonly contentType: string;
  readonly idPrefix: string;
  readonly traceparent: string | undefined;
  readonly replyto: string | undefined;
}

/** A run within a frame: found, measured, and known to be whole. */
export interface Run {
  readonly frame: Buffer;
  /** Where its header begins: after the two lengths. */
  readonly header: number;
  /** Where its messages begin. */
  readonly messages: number;
  readonly end: number;
  readonly count: number;
}

/**
 * The run that begins at `start`; `undefined` when none does that is whole: every length within its bounds, at least
 * one message, nothing left over.
 */
export function readRun(frame: Buffer, start: number): Run | undefined {
  if (start + 6 > frame.length) return undefined;
  const end = start + 4 + frame.readUInt32BE(start);
  const header = start + 6;
  const messages = header + frame.readUInt16BE(start + 4);
  if (end > frame.length || messages > end) return undefined;
  const count = countMessages(frame, messages, end);
  return count === 0 ? undefined : { frame, header, messages, end, count };
}

/** How many messages lie between `start` and `end`; 0 when they do not fill it exactly. */
function countMessages(frame: Buffer, start: number, end: number): number {
  let count = 0;
  let at = start;
  while (at + MESSAGE_OVERHEAD <= end) {
    at += MESSAGE_OVERHEAD + frame.readUInt32BE(at + 6);
    count += 1;
  }
  return at === end ? count : 0;
}

/** Where the message after the next `count` ones begins. */
export function skipMessages(frame: Buffer, start: number, count: number): number {
  let at = start;
  for (let skipped = 0; skipped < count; skipped += 1) at += MESSAGE_OVERHEAD + frame.readUInt32BE(at + 6);
  return at;
}

/** What the messages of `run` have in common; `undefined` when the header is cut short or holds text that is not UTF-8. */
export function readRunHead({ frame, header, messages }: Run): RunHead | undefined {
  let at = header;
  let isSound = true;
  const number = (bytes: number): number => {
    if (at + bytes > messages) {
      isSound = false;
      return 0;
    }
    at += bytes;
    return frame.readUIntBE(at - bytes, bytes);
  };
  const text = (lengthBytes: number): string => {
    const length = number(lengthBytes);
    if (at + length > messages) isSound = false;
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
    topic,
    source,
    timeMs,
    timeLeftMs: timeLeftMs === 0 ? undefined : timeLeftMs,
    contentType,
    idPrefix,
    traceparent: traceparent === '' ? undefined : traceparent,
    replyto: replyto === '' ? undefined : replyto,
  };
}

/** How many bytes {@link writeRunStart} may need for `head`. */
export function runStartLimit(head: RunHead): number {
  const { topic, source, contentType, idPrefix, traceparent = '', replyto = '' } = head;
  const characters =
    topic.length + source.length + contentType.length + idPrefix.length + traceparent.length + replyto.length;
  return 6 + 20 + characters * 3;
}

/** Writes lengths and header of a run at `at`, without the length of the whole, and says where its messages begin. */
export function writeRunStart(frame: Buffer, start: number, head: RunHead): number {
  let at = start + 6;
  const text = (value: string, lengthBytes: number): void => {
    const length = frame.write(value, at + lengthBytes);
    frame.writeUIntBE(length, at, lengthBytes);
    at += lengthBytes + length;
  };
  text(head.topic, 2);
  text(head.source, 1);
  at = frame.writeUIntBE(head.timeMs, at, 6);
  at = frame.writeUIntBE(head.timeLeftMs ?? 0, at, 6);
  text(head.contentType, 1);
  text(head.idPrefix, 1);
  text(head.traceparent ?? '', 1);
  text(head.replyto ?? '', 2);
  frame.writeUInt16BE(at - start - 6, start + 4);
  return at;
}

/** Writes the length of the run that began at `start`, once its messages are there. */
export function writeRunEnd(frame: Buffer, start: number, end: number): void {
  frame.writeUInt32BE(end - start - 4, start);
}

/** The moment, by `performance.now()`, until which an answer is awaited. */
export function deadlineAfter(timeLeftMs: number): number {
  return performance.now() + (timeLeftMs > 1 ? timeLeftMs : 0);
}

/** What is left until `deadline`, as a run states it. */
export function timeLeftUntil(deadline: number): number {
  return Math.min(LONGEST_TIME_LEFT_MS, Math.max(1, Math.ceil(deadline - performance.now())));
}

/** Corrects the time left of a run whose header begins at `header`: it has waited since it was written. */
export function writeTimeLeft(frame: Buffer, header: number, deadline: number): void {
  const source = header + 2 + frame.readUInt16BE(header);
  const time = source + 1 + frame.readUInt8(source);
  frame.writeUIntBE(timeLeftUntil(deadline), time + 6, 6);
}

/** The first attribute that must not travel, and why; `undefined` when all may. */
export function headFault({
  source,
  idPrefix,
  contentType,
  traceparent = '',
}: AttributesOfRun):
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

type AttributesOfRun = Pick<RunHead, 'source' | 'idPrefix' | 'contentType' | 'traceparent'>;
