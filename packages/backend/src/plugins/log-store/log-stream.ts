import type { ServerResponse } from 'node:http';
import type { MessageBus, Subscription } from '@aico/shared/core/bus';
import type { LogQuery } from './log-query.ts';
import { isLogRecord, matchesQuery } from './log-record.ts';

/** Lines that may wait for one slow reader; then the oldest go and the reader is told how many. */
const QUEUE_LIMIT = 1_024;

/** Milliseconds between signs of life, so that a reader that has gone without a word is noticed. */
const HEARTBEAT_MS = 15_000;

/**
 * Follows the log as server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html): `log`
 * with a line, `dropped` with how many were left out because the reader was too slow.
 */
export class LogStreams {
  readonly #bus: MessageBus;
  readonly #open = new Set<ServerResponse>();

  constructor(bus: MessageBus) {
    this.#bus = bus;
  }

  /** How many readers there are. */
  get size(): number {
    return this.#open.size;
  }

  /** Answers with lines as they are logged, until the reader goes or `closeAll` is called. */
  async serve(response: ServerResponse, query: LogQuery): Promise<void> {
    let dropped = 0;
    let subscription: Subscription | undefined;
    const follow = async (_topic: string, record: unknown): Promise<void> => {
      if (!isLogRecord(record) || !matchesQuery(record, query)) return;
      const lost = (subscription?.stats.dropped ?? 0) - dropped;
      dropped += lost;
      if (lost > 0) response.write(event('dropped', { dropped: lost }));
      if (!response.write(event('log', record))) await drained(response);
    };
    subscription = await this.#bus.subscribe('logs.*', follow, { queueLimit: QUEUE_LIMIT });
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
    // A comment at once: whoever has read it misses nothing from then on.
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
