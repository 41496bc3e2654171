import { randomUUID } from 'node:crypto';
import { Type } from 'typebox';
import { currentWork, type WorkContext } from '../../core/tracing/index.ts';

/** A security-relevant event. */
export interface AuditEvent {
  /** The action that was done or tried, such as `device.revoked`. */
  readonly action: string;
  /** The object of the action, such as the id of a device or the name of a plugin. */
  readonly subject?: string | undefined;
  /** Default `done`. */
  readonly outcome?: AuditOutcome;
  /** Never a secret: the trail is shown as it is. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** Default: the device or local user whose request is handled, or the backend itself. */
  readonly actor?: string;
}

export type AuditOutcome = 'done' | 'failed';

/** An event with all that is known when it happens. */
export interface NotedEvent {
  /** A UUID, by which an event that is recorded again is recognised. */
  readonly event: string;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly outcome: AuditOutcome;
  /** JSON. */
  readonly details: string;
}

export const NotedEventSchema = Type.Object({
  event: Type.String({ maxLength: 64 }),
  time: Type.Integer(),
  actor: Type.String({ maxLength: 256 }),
  action: Type.String({ maxLength: 64 }),
  subject: Type.String({ maxLength: 1_024 }),
  outcome: Type.Enum(['done', 'failed']),
  details: Type.String({ maxLength: 16_384 }),
});

const LONGEST_SUBJECT = 1_024;
const LONGEST_DETAILS = 16_384;

/** Completes an event by the present time and by the request that is handled. */
export function note(event: AuditEvent, now: () => number = Date.now): NotedEvent {
  const context = currentWork()?.context;
  const { action, subject = '', outcome = 'done', details = {}, actor = actorOf(context) } = event;
  const requestId = event.actor === undefined ? context?.requestId : undefined;
  const text = JSON.stringify({ ...details, ...(requestId !== undefined && { request: requestId }) });
  return {
    event: randomUUID(),
    time: now(),
    actor,
    action,
    subject: subject.slice(0, LONGEST_SUBJECT).toWellFormed().replaceAll('\0', '\u{fffd}'),
    outcome,
    details: text.length > LONGEST_DETAILS ? JSON.stringify({ cut: text.length }) : text,
  };
}

/** The local user, a device, or the backend by itself. */
function actorOf(context: WorkContext | undefined): string {
  if (context?.device !== undefined) return `device:${context.device}`;
  return context?.requestId === undefined ? BACKEND : LOCAL_USER;
}

/** The backend by itself. */
export const BACKEND = 'backend';
/** The user who runs the command line or connects to the local socket, which only the user of the home can. */
export const LOCAL_USER = 'local';
