import { parseTopic, TopicInvalidError } from '@aico/protocol';
import { CANCEL_PREFIX, logTopic, REPLY_PREFIX } from '@aico/shared/core/bus';
import { type FrameBatch, headerFault, LONGEST_TIME_LEFT_MS } from '@aico/shared/core/bus/frames';
import type { Session } from './session.ts';

/** Why a batch is refused, as sent in REFUSED. */
export interface Refusal {
  readonly code:
    | 'SOURCE'
    | 'REPLYTO'
    | 'ATTRIBUTE'
    | 'DEADLINE'
    | 'ANSWER'
    | 'DENIED'
    | 'TOPIC'
    | 'UNANSWERED';
  readonly reason: string;
}

/** Checks that a client publishes under its own name, to permitted topics, with reply topics of its own. */
export function refuseBatch(session: Session, batch: FrameBatch): Refusal | undefined {
  return refuseAttributes(session, batch) ?? refuseTopic(session, batch.header.topic);
}

function refuseAttributes(
  { component, replyPrefix }: Session,
  { header, timeLeftMs }: FrameBatch,
): Refusal | undefined {
  const { topic, source, replyto } = header;
  if (source !== component && !source.startsWith(`${component}/`))
    return { code: 'SOURCE', reason: `the source must be "${component}", or begin with "${component}/"` };
  const fault = headerFault(header);
  if (fault !== undefined)
    return {
      code: fault.name === 'source' ? 'SOURCE' : 'ATTRIBUTE',
      reason: `the attribute "${fault.name}" ${fault.reason}`,
    };
  if (replyto !== undefined && !(replyto.startsWith(`${replyPrefix}.`) && isTopic(replyto)))
    return { code: 'REPLYTO', reason: `answers may be asked for on topics below "${replyPrefix}" only` };
  if (replyto === undefined && topic.startsWith(CANCEL_PREFIX))
    return { code: 'REPLYTO', reason: 'a cancellation names its request by the replyto of that' };
  if (timeLeftMs !== undefined && timeLeftMs > LONGEST_TIME_LEFT_MS)
    return {
      code: 'DEADLINE',
      reason: `the time left is a duration of at most ${LONGEST_TIME_LEFT_MS} ms, not a date`,
    };
  return undefined;
}

function refuseTopic({ rights, openRequests, component }: Session, topic: string): Refusal | undefined {
  // Needs no grant. It is no right of `Rights`, which durable messages have as well.
  if (topic === logTopic(component)) return undefined;
  if (topic.startsWith(REPLY_PREFIX))
    return openRequests.answer(topic)
      ? undefined
      : { code: 'ANSWER', reason: 'no request that was sent to this client awaits an answer there' };
  try {
    const reason = rights.refusePublish(topic);
    return reason === undefined ? undefined : { code: 'DENIED', reason };
  } catch (error) {
    if (!(error instanceof TopicInvalidError)) throw error;
    return { code: 'TOPIC', reason: error.message };
  }
}

function isTopic(text: string): boolean {
  try {
    parseTopic(text);
    return true;
  } catch (error) {
    if (error instanceof TopicInvalidError) return false;
    throw error;
  }
}
