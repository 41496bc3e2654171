import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Followed, LiveSubscription, LiveSubscriptions } from './live-subscriptions.ts';

/** Milliseconds between heartbeats, which show readers and proxies that the stream is alive. */
const HEARTBEAT_MS = 15_000;
/** Characters of events that are written to the connection at once. */
const CHUNK = 16_384;

/**
 * Serves published messages as server-sent events: `open`, then `message` and `gap`. A reader that sends `Last-Event-ID`
 * resumes there. It writes no more than the connection accepts; messages dropped meanwhile are counted in a `gap`.
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
    // A reader that does not read would not receive the end either.
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
      const changed = log.changed();
      const { lost, events, last } = await log.unread(at);
      let text = lost > 0 ? field('gap', live.positionOf(at + lost), JSON.stringify({ lost })) : '';
      // Events dropped while the connection drains are counted before the next one.
      const rest = events.findIndex((event) => {
        if (text.length >= CHUNK) return true;
        text += field('message', live.positionOf(event.number), event.text);
        return false;
      });
      const isNew = last > at;
      at = rest === -1 ? last : (events[rest]?.number ?? last) - 1;
      if (text === '' && isBeatDue) text = ': alive\n\n';
      isBeatDue = false;
      if (text !== '') yield text;
      else if (!isNew) await changed;
    }
  } finally {
    clearInterval(heartbeat);
  }
}

function field(event: string, id: string, data: string): string {
  return `event: ${event}\nid: ${id}\ndata: ${data}\n\n`;
}
