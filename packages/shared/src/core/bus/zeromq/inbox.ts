import { isContentType } from '../codec.ts';
import type { MessageHead } from '../message.ts';
import type { Receiver } from '../transport.ts';
import { BusProtocolError } from './errors.ts';
import { MESSAGE_OVERHEAD, NO_NUMBER, type Run, readRun, readRunHead } from './runs.ts';

/** Turns a message's bytes into what a handler is given. */
export type Decode = (contentType: string, bytes: Buffer, topic: string) => unknown;

/**
 * Hands the messages of a DELIVER frame to the receivers of their subscriptions. Each receiver gets payloads of its
 * own. What is for a subscription that has ended here is passed over: the broker may not know yet.
 *
 * @throws {BusProtocolError} when the frame is not whole
 */
export function deliver(frame: Buffer, receivers: ReadonlyMap<number, Receiver>, decode: Decode): void {
  let at = 5;
  while (at < frame.length) {
    const run = at + 4 <= frame.length ? readRun(frame, at + 4) : undefined;
    if (run === undefined) throw new BusProtocolError('a DELIVER frame is malformed');
    const receiver = receivers.get(frame.readUInt32BE(at));
    if (receiver !== undefined) handOver(run, receiver, decode);
    at = run.end;
  }
}

function handOver(run: Run, receiver: Receiver, decode: Decode): void {
  const head = readRunHead(run);
  if (head === undefined) throw new BusProtocolError('the header of a run is malformed');
  const { topic, source, timeMs, contentType, idPrefix, traceparent, replyto } = head;
  const common: MessageHead = {
    type: topic,
    source,
    timeMs,
    idPrefix,
    id: undefined,
    traceparent,
    replyto,
    expiresMs: undefined,
    contentType: isContentType(contentType) ? contentType : undefined,
    checkedBy: undefined,
  };
  const { frame, end } = run;
  for (let at = run.messages; at < end; ) {
    const number = frame.readUInt16BE(at) * 0x100000000 + frame.readUInt32BE(at + 2);
    const body = at + MESSAGE_OVERHEAD;
    at = body + frame.readUInt32BE(at + 6);
    let payload: unknown;
    try {
      payload = decode(contentType, frame.subarray(body, at), topic);
    } catch (error) {
      receiver.refuse(topic, error);
      continue;
    }
    void receiver.receive(number === NO_NUMBER ? { ...common, id: idPrefix } : common, number, payload);
  }
}
