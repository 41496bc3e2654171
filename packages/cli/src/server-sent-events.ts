import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { ConnectionBrokenError, type Response } from '@aico/client/local';

export interface ServerSentEvent {
  /** `message` where the sender named none. */
  readonly event: string;
  readonly data: string;
}

/**
 * The events of a `text/event-stream` as they come, until the sender ends it
 * (https://html.spec.whatwg.org/multipage/server-sent-events.html). An event that was cut off is none.
 *
 * @throws {ConnectionBrokenError} when the connection breaks before the sender has ended it
 */
export async function* serverSentEvents(response: Pick<Response, 'body'>): AsyncGenerator<ServerSentEvent> {
  if (response.body === null) return;
  let event = '';
  let data: string[] = [];
  try {
    for await (const line of createInterface({
      input: Readable.fromWeb(response.body),
      crlfDelay: Infinity,
    })) {
      if (line === '') {
        if (data.length > 0) yield { event: event === '' ? 'message' : event, data: data.join('\n') };
        [event, data] = ['', []];
        continue;
      }
      const [field, value] = fieldOf(line);
      if (field === 'event') event = value;
      else if (field === 'data') data.push(value);
    }
  } catch (error) {
    throw new ConnectionBrokenError(error instanceof Error ? (error.cause ?? error) : error);
  }
}

/** A line's field and value; a comment has an empty field. */
function fieldOf(line: string): readonly [field: string, value: string] {
  const colon = line.indexOf(':');
  if (colon < 0) return [line, ''];
  const value = line.slice(colon + 1);
  return [line.slice(0, colon), value.startsWith(' ') ? value.slice(1) : value];
}
