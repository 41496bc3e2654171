import { ReplyShapeError } from '../errors.ts';
import type { ReplyOf } from './ask.ts';
import { misfit, type ReplyShape } from './reply-shape.ts';

/** A line of the log as it is logged: not stored yet, so without a number. */
export type LoggedLine = Omit<ReplyOf<'get', '/api/v1/logs'>['logs'][number], 'id'>;

/** A message of the bus, in its envelope. */
export interface BusMessage {
  readonly id: string;
  /** Who published it. */
  readonly source: string;
  /** The topic. */
  readonly type: string;
  /** RFC 3339, UTC. */
  readonly time: string;
  /** What was published; absent where that was nothing, or bytes. */
  readonly data?: unknown;
  /** What was published, where it was bytes. */
  readonly data_base64?: string;
}

const text: ReplyShape = { type: 'string' };

const LINE: ReplyShape = {
  type: 'object',
  properties: {
    time: { type: 'integer' },
    level: text,
    service: text,
    component: text,
    message: text,
    fields: { type: 'object' },
  },
  required: ['time', 'level', 'service', 'component', 'message', 'fields'],
};

const MESSAGE: ReplyShape = {
  type: 'object',
  properties: { id: text, source: text, type: text, time: text, data_base64: text },
  required: ['id', 'source', 'type', 'time'],
};

/**
 * The event `log` of `/api/v1/logs/stream`.
 *
 * @throws {ReplyShapeError} when it is of another shape
 */
export function parseLoggedLine(data: string): LoggedLine {
  // The value has just been checked, as in `checkReply`.
  return parsed('GET /api/v1/logs/stream', LINE, data) as LoggedLine;
}

/**
 * The event `message` of `/api/v1/bus/messages`.
 *
 * @throws {ReplyShapeError} when it is of another shape
 */
export function parseBusMessage(data: string): BusMessage {
  // As above.
  return parsed('GET /api/v1/bus/messages', MESSAGE, data) as BusMessage;
}

function parsed(operation: string, shape: ReplyShape, data: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    // Without the cause: it quotes what was there.
    throw new ReplyShapeError(operation, 'an event is no JSON');
  }
  const fault = misfit(shape, value);
  if (fault !== undefined) throw new ReplyShapeError(operation, fault);
  return value;
}
