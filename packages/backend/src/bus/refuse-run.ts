import { TopicInvalidError } from '@aico/protocol';
import type { RunHead } from '@aico/shared/core/bus/zeromq';
import type { Session } from './session.ts';

/** A client publishes under its own name, where it may, and asks for answers nowhere but with itself. */
export function refuseRun(
  { component, rights, replyPrefix }: Session,
  { topic, source, replyto }: RunHead,
): { readonly code: string; readonly reason: string } | undefined {
  if (source !== component && !source.startsWith(`${component}/`))
    return { code: 'SOURCE', reason: `the source must be "${component}", or begin with "${component}/"` };
  if (replyto !== undefined && !replyto.startsWith(`${replyPrefix}.`))
    return { code: 'REPLYTO', reason: `answers may be asked for below "${replyPrefix}" only` };
  try {
    const reason = rights.refusePublish(topic);
    return reason === undefined ? undefined : { code: 'DENIED', reason };
  } catch (error) {
    if (!(error instanceof TopicInvalidError)) throw error;
    return { code: 'TOPIC', reason: error.message };
  }
}
