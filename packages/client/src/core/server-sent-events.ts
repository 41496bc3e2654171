import type { EventSourceMessage } from 'eventsource-parser/stream';
import { ConnectionBrokenError } from '../errors.ts';

/** No event of a backend is larger: the bus accepts messages of up to 1 MiB, and the envelope is small. */
const MAX_CHARACTERS = 8_388_608;

/**
 * The events of a `text/event-stream` as they arrive, until the sender ends it
 * (https://html.spec.whatwg.org/multipage/server-sent-events.html). An incomplete event is dropped.
 *
 * @param onBytes is called whenever bytes arrive, including heartbeats
 * @throws {ConnectionBrokenError} when the connection breaks before the sender has ended it
 */
export async function* serverSentEvents(
  response: Pick<Response, 'body'>,
  onBytes: () => void = () => {},
): AsyncGenerator<EventSourceMessage, void, undefined> {
  if (response.body === null) return;
  // Loaded when needed: most programs, such as the commands of `aico`, follow no events.
  const { EventSourceParserStream } = await import('eventsource-parser/stream');
  const heard = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform(chunk, controller) {
      onBytes();
      controller.enqueue(chunk);
    },
  });
  const reader = response.body
    .pipeThrough(heard)
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream({ maxBufferSize: MAX_CHARACTERS }))
    .getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } catch (error) {
    throw new ConnectionBrokenError(error instanceof Error ? (error.cause ?? error) : error);
  } finally {
    // Leaving the loop early releases the connection; after a break there is nothing left to release.
    await reader.cancel().catch(() => undefined);
  }
}
