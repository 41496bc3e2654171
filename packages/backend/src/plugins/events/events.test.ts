import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { describe, type TestContext, test } from 'node:test';
import { MessageBusClient } from '@aico/shared/core/bus';
import fc from 'fast-check';
import { OWNER, type Principal, permits } from '../../core/access.ts';
import { createTestBackend, localRequest } from '../../testing/index.ts';
import { EventLog } from './event-log.ts';
import { accessFor, LiveSubscriptions } from './live-subscriptions.ts';
import type { StoredEvents } from './stored-events.ts';

interface Event {
  readonly event: string;
  readonly id: string;
  readonly data: Record<string, unknown>;
}

/** A reader of server-sent events over the local socket. */
function follow(t: TestContext, socketPath: string, topic: string, lastEventId?: string) {
  return followPath(t, socketPath, `/api/v1/events?topic=${encodeURIComponent(topic)}`, lastEventId);
}

async function followPath(t: TestContext, socketPath: string, path: string, lastEventId?: string) {
  const asked = request({
    socketPath,
    agent: false,
    path,
    headers: lastEventId === undefined ? {} : { 'last-event-id': lastEventId },
  });
  asked.on('error', () => {});
  t.after(() => asked.destroy());
  asked.end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  response.setEncoding('utf8').on('error', () => {});
  const events = (async function* (): AsyncGenerator<Event, void> {
    let text = '';
    for await (const chunk of response) {
      const blocks = (text + String(chunk)).split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const fields = Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/s).slice(0, 2)));
        if (fields.event !== undefined) yield { ...fields, data: JSON.parse(fields.data) };
      }
    }
  })();
  const next = async (): Promise<Event> => {
    const { value } = await events.next();
    if (value === undefined) throw new Error('the stream has ended');
    return value;
  };
  return { response, next, close: () => asked.destroy() };
}

describe('GET /api/v1/events', () => {
  test('delivers messages of the pattern in order, as CloudEvents, and resumes where a reader was', async (t) => {
    const backend = await createTestBackend();
    t.after(() => backend.stop());
    const bus = backend.container.getService('message_bus');
    const first = await follow(t, backend.socket, 'notes.*');
    const opened = await first.next();
    assert.deepEqual([opened.event, opened.data.resumed], ['open', false]);
    for (const text of ['one', 'two']) await bus.publish('notes.created', { text });
    await bus.publish('elsewhere.created', { text: 'not this' });
    const one = await first.next();
    assert.equal(one.event, 'message');
    assert.deepEqual(
      [one.data.type, one.data.data, one.data.specversion],
      ['notes.created', { text: 'one' }, '1.0'],
    );
    const two = await first.next();
    assert.deepEqual(two.data.data, { text: 'two' });
    first.close();
    for (const text of ['three', 'four']) await bus.publish('notes.created', { text });
    await bus.publish('notes.bytes', Uint8Array.of(1, 2, 3));

    const again = await follow(t, backend.socket, 'notes.*', two.id);
    assert.deepEqual((await again.next()).data.resumed, true);
    assert.deepEqual((await again.next()).data.data, { text: 'three' });
    assert.deepEqual((await again.next()).data.data, { text: 'four' });
    assert.equal((await again.next()).data.data_base64, 'AQID');

    const other = await follow(t, backend.socket, 'elsewhere.*', two.id);
    assert.equal((await other.next()).data.resumed, false);
  });

  test('refuses an invalid pattern and the bus’s own topics, and ends with the backend', async (t) => {
    const backend = await createTestBackend();
    t.after(() => backend.stop());
    for (const [topic, status] of [
      ['a..b', 400],
      ['>.a', 400],
      ['_reply.x', 403],
    ] as const) {
      const { response } = await follow(t, backend.socket, topic);
      assert.equal(response.statusCode, status, topic);
    }
    const stream = await follow(t, backend.socket, 'notes.>');
    await stream.next();
    const ended = assert.rejects(stream.next());
    await backend.stop();
    await ended;
  });
});

describe('access to events', () => {
  test('depends on the first segment; a leading wildcard has a capability of its own', () => {
    assert.equal(accessFor('inbox.*'), 'inbox:subscribe');
    assert.equal(accessFor('inbox'), 'inbox:subscribe');
    assert.equal(accessFor('*.created'), 'bus:subscribe');
    assert.equal(accessFor('>'), 'bus:subscribe');
    assert.equal(accessFor('Ünique.x'), 'bus:subscribe');
    assert.equal(accessFor('Inbox.x'), 'bus:subscribe', 'a room of another case is another room');
  });

  test('is limited per reader and in all, and ends with the right', async (t) => {
    const bus = new MessageBusClient();
    await bus.connect();
    t.after(() => bus.close());
    const limits = { perDevice: 2, total: 3, events: 10, size: 1_000, keepMs: 60_000 };
    const live = new LiveSubscriptions(bus, limits);
    const grants = ['notes:*'];
    const phone = {
      ...OWNER,
      kind: 'device' as const,
      id: 'phone',
      may: (access: 'public' | `${string}:${string}`) => permits(grants, access),
    };
    const open = (principal: Principal) =>
      live.open({ topic: 'notes.*', principal, isPermitted: () => principal.may('notes:subscribe') });
    const one = await open(phone);
    live.attach(one);
    live.attach(await open(phone));
    await assert.rejects(open(phone), { code: 'AICO_EVENTS_TOO_MANY' });
    const tablet = { ...phone, id: 'tablet' };
    live.attach(await open(tablet));
    await assert.rejects(open(tablet), { code: 'AICO_EVENTS_TOO_MANY' });
    // Programs on this machine are not refused for what devices have open, nor by the bound of one device.
    for (let index = 0; index < 3; index += 1) live.attach(await open(OWNER));
    await assert.rejects(open(OWNER), { code: 'AICO_EVENTS_TOO_MANY' });
    const changed = one.log.changed();
    await bus.publish('notes.a', 1);
    await changed;
    grants.pop();
    const ended = once(one.ended.signal, 'abort');
    await bus.publish('notes.a', 2);
    await ended;
    assert.deepEqual(await one.log.unread(1), { lost: 0, events: [], last: 1 });
    await live.endAll();
    assert.equal(live.size, 0);
  });
});

test('for random arrivals and returns, a reader is refused only if the limit is reached by connected readers', async (t) => {
  const bus = new MessageBusClient();
  await bus.connect();
  t.after(() => bus.close());
  const limits = { perDevice: 3, total: 5, events: 10, size: 1_000, keepMs: 60_000 };
  const principals = ['owner', 'phone', 'tablet'].map((id) => ({
    ...OWNER,
    id,
    kind: id === 'owner' ? ('owner' as const) : ('device' as const),
  }));
  const step = fc.record({ who: fc.nat({ max: 2 }), leaves: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const live = new LiveSubscriptions(bus, limits);
      const connected = principals.map((): (() => void)[] => []);
      for (const { who, leaves } of steps) {
        const [principal, own] = [principals[who], connected[who]];
        if (principal === undefined || own === undefined) continue;
        if (leaves) {
          own.shift()?.();
          continue;
        }
        const devices = (connected[1]?.length ?? 0) + (connected[2]?.length ?? 0);
        const isFull = who === 0 ? own.length >= 5 : own.length >= 3 || devices >= 5;
        const opened = live.open({ topic: 'notes.*', principal, isPermitted: () => true });
        if (isFull) await assert.rejects(opened, { code: 'AICO_EVENTS_TOO_MANY' });
        else own.push(live.attach(await opened));
        assert.ok(live.size <= 10);
      }
      await live.endAll();
    }),
    { numRuns: 60 },
  );
});

describe('every stream', () => {
  const STREAMS = ['/api/v1/events?topic=notes.*', '/api/v1/logs/stream'];

  test('has the same events, counts exactly what a slow reader has lost, and does not delay a publisher', async (t) => {
    const backend = await createTestBackend();
    t.after(() => backend.stop());
    const bus = backend.container.getService('message_bus');
    const slow = await followPath(t, backend.socket, '/api/v1/events?topic=notes.*');
    assert.equal((await slow.next()).event, 'open');
    for (let n = 0; n < 6_000; n += 1) await bus.publish('notes.n', { n, pad: 'x'.repeat(1_000) });
    let seen = 0;
    let lost = 0;
    while (seen + lost < 6_000) {
      const { event, data } = await slow.next();
      if (event === 'gap') lost += Number(data.lost);
      else assert.equal((data.data as { n: number }).n, seen++ + lost);
    }
    assert.ok(lost > 0);
    const lines = await followPath(t, backend.socket, '/api/v1/logs/stream?level=warn&service=inbox');
    assert.equal((await lines.next()).event, 'open');
    const logger = backend.container.getService('logging').getLogger('inbox', 'import');
    logger.info('too mild');
    logger.error('line\nbreak', { n: 1 });
    const { event, data } = await lines.next();
    assert.deepEqual([event, data.type], ['message', 'logs.inbox']);
    const { message, fields } = data.data as { message: string; fields: object };
    assert.deepEqual([message, fields], ['line\nbreak', { n: 1 }]);
  });

  test('ends with the backend, which does not wait for a reader', async (t) => {
    const backend = await createTestBackend();
    const readers = await Promise.all(STREAMS.map((path) => followPath(t, backend.socket, path)));
    for (const reader of readers) await reader.next();
    const ended = Promise.allSettled(
      readers.map(async ({ next }) => {
        for (;;) await next();
      }),
    );
    await backend.stop();
    for (const outcome of await ended) assert.match(String(Object(outcome).reason), /the stream has ended/);
    const { state } = backend.lifecycle;
    assert.ok(state.kind === 'stopped');
    assert.equal(state.report.timedOut, false);
    assert.ok(state.drainMs + state.report.totalMs < 4_000, `${state.drainMs} + ${state.report.totalMs} ms`);
  });

  test('leaves nothing behind when its reader disconnects at once', async (t) => {
    const backend = await createTestBackend();
    t.after(() => backend.stop());
    for (const path of STREAMS) {
      const reader = await followPath(t, backend.socket, path);
      const closed = new Promise((resolve) => reader.response.once('close', resolve));
      reader.close();
      await closed;
    }
    const reply = await localRequest(backend.socket, '/api/v1/system/status');
    assert.equal(reply.status, 200);
  });
});

test('a reader of stored events leaves no subscription when it disconnects, or when the events cannot be read', async () => {
  const bus = new MessageBusClient({ source: 'test' });
  await bus.connect();
  const live = new LiveSubscriptions(bus);
  let listeners = 0;
  const stored: StoredEvents = {
    last: async () => 7,
    after: async () => ({ events: [], last: 7 }),
    listen: () => {
      listeners += 1;
      return () => {
        listeners -= 1;
      };
    },
  };
  const followed = { topic: 'rows', principal: OWNER, isPermitted: () => true };
  const unreadable = { ...stored, last: () => Promise.reject(new Error('the disk failed')) };
  await assert.rejects(live.resume({ ...followed, stored: unreadable }, ''), /the disk failed/);
  assert.equal(live.size, 0);
  const reader = await live.resume({ ...followed, stored, after: 3 }, '');
  assert.deepEqual([reader.after, reader.resumed, live.size, listeners], [3, false, 1, 1]);
  const disconnect = live.attach(reader.live);
  disconnect();
  assert.deepEqual([live.size, listeners], [0, 0]);
  // Another process may have sent the event, so its subscription is unknown.
  const again = await live.resume({ ...followed, stored }, `${randomUUID()}:5`);
  assert.deepEqual([again.after, again.resumed], [5, true]);
  await live.endAll();
  await bus.close();
});

test('an event log loses the oldest events only, and counts them exactly', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.oneof(fc.constant('push' as const), fc.integer({ min: 0, max: 100 })), { maxLength: 200 }),
      (events, steps) => {
        const log = new EventLog({ events, size: 1_000_000 });
        for (const step of steps) {
          if (step === 'push') log.push(`event ${log.last + 1}`);
          else {
            const after = Math.min(step, log.last);
            const unread = log.unread(after);
            assert.equal(unread.lost + unread.events.length, log.last - after);
            assert.ok(unread.events.length <= events);
            unread.events.forEach(({ number, text }, index) => {
              assert.equal(number, after + unread.lost + index + 1);
              assert.equal(text, `event ${number}`);
            });
          }
        }
      },
    ),
  );
});
