import { ReplyShapeError } from '../errors.ts';
import type { ReplyOf } from './ask.ts';
import { misfit, type ReplyShape } from './reply-shape.ts';
import type { BusEvent } from './stream-events.ts';

/** A line of the log. Lines are numbered in the order in which they are stored. */
export type LoggedLine = ReplyOf<'get', '/api/v1/logs'>['logs'][number];

const text: ReplyShape = { type: 'string' };

const LINE: ReplyShape = {
  type: 'object',
  properties: {
    id: { type: 'integer' },
    time: { type: 'integer' },
    level: text,
    service: text,
    component: text,
    message: text,
    fields: { type: 'object' },
  },
  required: ['id', 'time', 'level', 'service', 'component', 'message', 'fields'],
};

/**
 * The log line of an event of `/api/v1/logs/stream`.
 *
 * @throws {ReplyShapeError} when it contains none
 */
export function loggedLineOf({ data }: BusEvent): LoggedLine {
  const fault = misfit(LINE, data);
  if (fault !== undefined) throw new ReplyShapeError('GET /api/v1/logs/stream', fault);
  // The cast is safe: `misfit()` has just checked the shape.
  return data as LoggedLine;
}
