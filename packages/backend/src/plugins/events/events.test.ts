import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { describe, type TestContext, test } from 'node:test';
import { startTestBackend } from '@aico/backend/testing';
import { MessageBusClient } from '@aico/shared/core/bus';
import fc from 'fast-check';
import { OWNER, permits } from '../../core/access.ts';
import { EventLog } from './event-log.ts';
import { accessFor, LiveSubscriptions } from './live-subscriptions.ts';

interface Event {
  readonly event: string;
  readonly id: string;
  readonly data: Record<string, unknown>;
}

/** A reader of server-sent events over the local socket. */
async function follow(t: TestContext, socketPath: string, topic: string, lastEventId?: string) {
  const asked = request({
    socketPath,
    agent: false,
    path: `/api/v1/events?topic=${encodeURIComponent(topic)}`,
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
  test('brings what is published on the pattern, in order, in the form of CloudEvents; and goes on where a reader was', async (t) => {
    const backend = await startTestBackend();
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

  test('refuses what is no pattern and what is the bus’s own, and ends with the backend', async (t) => {
    const backend = await startTestBackend();
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

describe('what may be followed', () => {
  test('the room in front decides; a wildcard in front is a matter of its own', () => {
    assert.equal(accessFor('inbox.*'), 'inbox:subscribe');
    assert.equal(accessFor('inbox'), 'inbox:subscribe');
    assert.equal(accessFor('*.created'), 'bus:subscribe');
    assert.equal(accessFor('>'), 'bus:subscribe');
    assert.equal(accessFor('Ünique.x'), 'bus:subscribe');
    assert.equal(accessFor('Inbox.x'), 'bus:subscribe', 'a room of another case is another room');
  });

  test('is bounded for each reader and in all, and ends when the right does', async (t) => {
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
    const one = await live.open('notes.*', 'notes:subscribe', phone);
    await live.open('notes.*', 'notes:subscribe', phone);
    await assert.rejects(live.open('notes.*', 'notes:subscribe', phone), { code: 'AICO_EVENTS_TOO_MANY' });
    const tablet = { ...phone, id: 'tablet' };
    await live.open('notes.*', 'notes:subscribe', tablet);
    await assert.rejects(live.open('notes.*', 'notes:subscribe', tablet), { code: 'AICO_EVENTS_TOO_MANY' });
    // Programs on this machine are not refused for what devices have open, nor by the bound of one device.
    for (let n = 0; n < 3; n += 1) await live.open('notes.*', 'notes:subscribe', OWNER);
    await assert.rejects(live.open('notes.*', 'notes:subscribe', OWNER), { code: 'AICO_EVENTS_TOO_MANY' });
    await bus.publish('notes.a', 1);
    await one.log.news(0);
    grants.pop();
    const ended = once(one.ended.signal, 'abort');
    await bus.publish('notes.a', 2);
    await ended;
    assert.equal(one.log.last, 1);
    await live.endAll();
    assert.equal(live.size, 0);
  });
});

test('any readers come, go and return: one is refused only when the bound is full of readers that are connected', async (t) => {
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
        const opened = live.open('notes.*', 'notes:subscribe', principal);
        if (isFull) await assert.rejects(opened, { code: 'AICO_EVENTS_TOO_MANY' });
        else own.push(live.attach(await opened));
        assert.ok(live.size <= 10);
      }
      await live.endAll();
    }),
    { numRuns: 60 },
  );
});

test('an event log of any length loses the oldest alone, and says exactly how many', () => {
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
