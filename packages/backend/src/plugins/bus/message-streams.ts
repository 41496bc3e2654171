import type { ServerResponse } from 'node:http';
import type { Envelope, MessageBus, Subscription } from '@aico/shared/core/bus';

/** Messages that may wait for one slow reader; then the oldest go and the reader is told how many. */
const QUEUE_LIMIT = 1_024;

const HEARTBEAT_MS = 15_000;

/**
 * Follows topics as server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html): `message` with
 * an envelope, `dropped` with how many were left out because the reader was too slow.
 */
export class MessageStreams {
  readonly #bus: MessageBus;
  readonly #open = new Set<ServerResponse>();

  constructor(bus: MessageBus) {
    this.#bus = bus;
  }

  /** Answers with what is published under `pattern`, until the reader goes or `closeAll` is called. */
  async serve(response: ServerResponse, pattern: string): Promise<void> {
    let dropped = 0;
    let subscription: Subscription | undefined;
    const follow = async (_topic: string, _message: unknown, envelope: Envelope): Promise<void> => {
      const lost = (subscription?.stats.dropped ?? 0) - dropped;
      dropped += lost;
      if (lost > 0) response.write(event('dropped', { dropped: lost }));
      if (!response.write(event('message', shown(envelope)))) await drained(response);
    };
    subscription = await this.#bus.subscribe(pattern, follow, { queueLimit: QUEUE_LIMIT });
    if (response.destroyed) {
      await subscription.unsubscribe();
      return;
    }
    const gone = Promise.withResolvers<void>();
    response.once('close', gone.resolve);
    this.#open.add(response);
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    // A comment at once: a reader that has seen it misses nothing from then on.
    response.write(': following\n\n');
    const heartbeat = setInterval(() => response.write(': alive\n\n'), HEARTBEAT_MS);
    heartbeat.unref();
    await gone.promise;
    clearInterval(heartbeat);
    this.#open.delete(response);
    await subscription.unsubscribe();
  }

  /** Ends every stream. */
  closeAll(): void {
    for (const response of this.#open) response.end();
  }
}

/** An envelope as JSON has it: bytes as Base64, under the name that CloudEvents gives them. */
function shown({ id, source, type, time, datacontenttype, data }: Envelope): object {
  const attributes = { id, source, type, time, datacontenttype };
  if (data instanceof Uint8Array) return { ...attributes, data_base64: Buffer.from(data).toString('base64') };
  return { ...attributes, data };
}

function event(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** Settles when the reader has taken what was written, or has gone. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.once('drain', done);
    response.once('close', done);
  });
}
