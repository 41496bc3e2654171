import { ReplyShapeError } from '../errors.ts';
import type { ReplyOf } from './ask.ts';
import { misfit, type ReplyShape } from './reply-shape.ts';
import type { BusEvent } from './stream-events.ts';

/** A log line as it is sent when it is logged: without the number it gets when stored. */
export type LoggedLine = Omit<ReplyOf<'get', '/api/v1/logs'>['logs'][number], 'id'>;

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
