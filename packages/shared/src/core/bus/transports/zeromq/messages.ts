import { decodeBody, isContentType } from '../../messages/codec.ts';
import type { MessageHead } from '../../messages/message.ts';
import type { MessageRun } from '../../messages/message-run.ts';
import { BusProtocolError } from './errors.ts';
import { deadlineAfter, MESSAGE_OVERHEAD, NO_NUMBER, type Run, type RunHead } from './runs.ts';

const BYTES = 'application/octet-stream';

/** Bodies of bytes up to this size share memory, as Node's own small buffers do: an allocation each costs the most. */
const SMALL = 1_024;
const POOL = 8_192;

/**
 * The messages of a run, as the rest of the bus takes them: one run for as long as their numbers follow each other,
 * as they do but for messages with ids of their own.
 */
export function readMessages(run: Run, runHead: RunHead, onError: (error: Error) => void): MessageRun[] {
  const head = messageHead(runHead);
  const runs: MessageRun[] = [];
  const { frame, end } = run;
  let sequence = 0;
  let payloads: unknown[] = [];
  const flush = (): void => {
    if (payloads.length === 0) return;
    const own = sequence === NO_NUMBER ? { ...head, id: head.idPrefix } : head;
    runs.push({ head: own, sequence, payloads, copied: false });
    payloads = [];
  };
  let pool = new ArrayBuffer(0);
  let poolAt = 0;
  const bytes = (from: number, to: number): Uint8Array => {
    const length = to - from;
    if (length > SMALL) return new Uint8Array(frame.subarray(from, to));
    if (poolAt + length > pool.byteLength) {
      pool = new ArrayBuffer(Math.min(POOL, end - from));
      poolAt = 0;
    }
    const own = new Uint8Array(pool, poolAt, length);
    own.set(frame.subarray(from, to));
    poolAt += length;
    return own;
  };
  for (let at = run.messages; at < end; ) {
    const number = frame.readUInt16BE(at) * 0x100000000 + frame.readUInt32BE(at + 2);
    const body = at + MESSAGE_OVERHEAD;
    at = body + frame.readUInt32BE(at + 6);
    if (number === NO_NUMBER || number !== sequence + payloads.length) flush();
    if (payloads.length === 0) sequence = number;
    try {
      if (runHead.contentType === BYTES) payloads.push(bytes(body, at));
      else payloads.push(decodeBody(head.type, frame.subarray(body, at), runHead.contentType));
    } catch (error) {
      flush();
      onError(error instanceof Error ? error : new BusProtocolError(String(error)));
    }
  }
  flush();
  return runs;
}

/** What the messages of a run have in common, as the rest of the bus knows it. */
export function messageHead({
  topic,
  source,
  timeMs,
  timeLeftMs,
  contentType,
  idPrefix,
  traceparent,
  replyto,
}: RunHead): MessageHead {
  return {
    type: topic,
    source,
    timeMs,
    idPrefix,
    id: undefined,
    traceparent,
    replyto,
    deadline: timeLeftMs === undefined ? undefined : deadlineAfter(timeLeftMs),
    contentType: isContentType(contentType) ? contentType : undefined,
    checkedBy: undefined,
  };
}
