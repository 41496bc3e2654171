import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Followed, LiveSubscription, LiveSubscriptions } from './live-subscriptions.ts';

/** Milliseconds between comments that show a reader, and what lies between, that the stream goes on. */
const HEARTBEAT_MS = 15_000;
/** Characters of events that are handed to the connection at once. */
const CHUNK = 16_384;

/**
 * Answers with what is published, as server-sent events: `open`, then `message` and `gap`. A reader that sends
 * `Last-Event-ID` goes on where it was. Never more is on its way than the connection takes; what is dropped meanwhile is
 * counted in a `gap`.
 *
 * Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
 *
 * @returns the body of the reply, whose headers have been set
 * @throws {TooManySubscriptionsError}
 */
export async function serveEvents(
  subscriptions: LiveSubscriptions,
  followed: Followed,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<Readable> {
  const { live, after, resumed } = await subscriptions.resume(
    followed,
    String(request.headers['last-event-id']),
  );
  const { raw } = reply;
  const detach = subscriptions.attach(live);
  const leave = (): void => {
    detach();
    live.log.wake();
  };
  let isEnding = false;
  const end = (): void => {
    isEnding = true;
    live.log.wake();
    // A reader that takes nothing would not take the end either.
    if (raw.writableNeedDrain) raw.destroy();
  };
  reply.endBy(end);
  const { signal } = live.ended;
  signal.addEventListener('abort', end, { once: true });
  raw.once('close', () => {
    signal.removeEventListener('abort', end);
    leave();
  });
  if (raw.destroyed) leave();
  reply
    .type('text/event-stream; charset=utf-8')
    .header('cache-control', 'no-store')
    .header('x-accel-buffering', 'no');
  return Readable.from(textOf(live, after, resumed, () => isEnding || raw.destroyed));
}

async function* textOf(
  live: LiveSubscription,
  after: number,
  resumed: boolean,
  isOver: () => boolean,
): AsyncGenerator<string, void> {
  const { id, log } = live;
  let isBeatDue = false;
  const heartbeat = setInterval(() => {
    isBeatDue = true;
    log.wake();
  }, HEARTBEAT_MS);
  heartbeat.unref();
  try {
    yield field('open', live.positionOf(after), JSON.stringify({ subscription: id, resumed }));
    for (let at = after; !isOver(); ) {
      const { lost, events } = log.unread(at);
      at += lost;
      let text = lost > 0 ? field('gap', live.positionOf(at), JSON.stringify({ lost })) : '';
      for (const event of events) {
        // Events that are dropped while the connection takes this much are counted before the next.
        if (text.length >= CHUNK) break;
        text += field('message', live.positionOf(event.number), event.text);
        at = event.number;
      }
      if (text === '' && isBeatDue) text = ': alive\n\n';
      isBeatDue = false;
      if (text !== '') yield text;
      else await log.news(at);
    }
  } finally {
    clearInterval(heartbeat);
  }
}

function field(event: string, id: string, data: string): string {
  return `event: ${event}\nid: ${id}\ndata: ${data}\n\n`;
}
