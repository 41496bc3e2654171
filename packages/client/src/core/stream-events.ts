import { parseJson } from '@aico/protocol';
import { ReplyShapeError } from '../errors.ts';
import { misfit, type ReplyShape } from './reply-shape.ts';

/** A message of the bus; its envelope uses the names of CloudEvents 1.0. */
export interface BusEvent<T = unknown> {
  readonly id: string;
  /** The publisher. */
  readonly source: string;
  readonly topic: string;
  /** RFC 3339, UTC. */
  readonly time: string;
  /** The published value; bytes arrive as a `Uint8Array`. */
  readonly data: T;
  /** W3C trace context, if the publisher was traced. */
  readonly traceparent?: string;
}

const text: ReplyShape = { type: 'string' };

const EVENT: ReplyShape = {
  type: 'object',
  properties: { id: text, source: text, type: text, time: text, data_base64: text, traceparent: text },
  required: ['id', 'source', 'type', 'time'],
};

interface SentEvent {
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly time: string;
  readonly data?: unknown;
  readonly data_base64?: string;
  readonly traceparent?: string;
}

/**
 * Parses the event `message` of a stream, in the JSON format of CloudEvents.
 *
 * @param path of the stream, for the error
 * @throws {ReplyShapeError} when it has another shape
 */
export function parseBusEvent(path: string, data: string): BusEvent {
  // The cast is safe: `parsed()` has just checked the shape.
  const { id, source, type, time, traceparent, data: value, data_base64 } = parsed(path, data) as SentEvent;
  return {
    id,
    source,
    topic: type,
    time,
    data: data_base64 === undefined ? value : bytesOf(data_base64),
    ...(traceparent === undefined ? {} : { traceparent }),
  };
}

function parsed(path: string, data: string): unknown {
  const operation = `GET ${path.split('?', 1)[0]}`;
  let value: unknown;
  try {
    value = parseJson(data);
  } catch {
    // Without the cause, which quotes the data.
    throw new ReplyShapeError(operation, 'an event is no JSON');
  }
  const fault = misfit(EVENT, value);
  if (fault !== undefined) throw new ReplyShapeError(operation, fault);
  return value;
}

function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
