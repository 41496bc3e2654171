import type { ServerResponse } from 'node:http';
import type { LiveSubscription } from './live-subscriptions.ts';

/** Milliseconds between signs of life, so that a reader that has gone without a word is noticed. */
const HEARTBEAT_MS = 15_000;

/**
 * Writes a subscription to `response` as server-sent events, from after number `after` on, until the reader goes or the
 * subscription ends. Never more is on its way than the connection takes; what is dropped meanwhile is told as `gap`.
 *
 * Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export async function serveEvents(
  response: ServerResponse,
  live: LiveSubscription,
  after: number,
  resumed: boolean,
): Promise<void> {
  let gone = false;
  const leave = (): void => {
    gone = true;
    live.log.wake();
    // It takes nothing more: there is no use in waiting for it to.
    if (response.writableNeedDrain) response.destroy();
  };
  response.once('close', leave);
  live.ended.signal.addEventListener('abort', leave, { once: true });
  const heartbeat = setInterval(() => response.write(': alive\n\n'), HEARTBEAT_MS);
  heartbeat.unref();
  try {
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    response.write(field('open', `${live.id}:${after}`, JSON.stringify({ subscription: live.id, resumed })));
    let at = after;
    if (live.ended.signal.aborted) return;
    while (!gone) {
      const { lost, events } = live.log.unread(at);
      if (lost > 0) response.write(field('gap', `${live.id}:${at + lost}`, JSON.stringify({ lost })));
      at += lost;
      for (const { number, text } of events) {
        at = number;
        if (response.write(field('message', `${live.id}:${number}`, text))) continue;
        await drained(response);
        // What has been dropped while it waited is noticed before the next is written.
        break;
      }
      if (!gone) await live.log.news(at);
    }
  } finally {
    clearInterval(heartbeat);
    live.ended.signal.removeEventListener('abort', leave);
    response.off('close', leave);
    response.end();
  }
}

function field(event: string, id: string, data: string): string {
  return `event: ${event}\nid: ${id}\ndata: ${data}\n\n`;
}

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
