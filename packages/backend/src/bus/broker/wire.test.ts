/** The statements of docs/bus-protocol.md about the wire, each held against the broker by a peer that sends raw frames. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { InProcessBus, MessageBusClient } from '@aico/shared/core/bus';
import { bye, dropped, FrameType, subscribe, subscribed } from '@aico/shared/core/bus/frames';
import { TestBroker, type TestComponent } from '../../../test/fixtures/broker.ts';
import type { RawPeer } from '../../../test/fixtures/raw-peer.ts';
import type { BrokerOptions } from './broker-options.ts';
import { HubSide } from './hub-side.ts';

const ALL: TestComponent = { publish: ['a.*'], subscribe: ['a.*'] };

async function start(
  t: TestContext,
  components: Readonly<Record<string, TestComponent>>,
  options: Partial<BrokerOptions> = {},
): Promise<TestBroker> {
  const broker = await TestBroker.start(components, options);
  t.after(() => broker.stop());
  return broker;
}

async function startWithPlugins(t: TestContext, components: Readonly<Record<string, TestComponent>>) {
  const hub = new InProcessBus();
  const broker = await start(t, components, {
    local: new HubSide({ hub, messageBytes: 1_048_576, onError: () => {} }),
  });
  const plugin = new MessageBusClient({ source: 'plugin', transport: hub, onError: () => {} });
  await plugin.connect();
  t.after(() => plugin.close());
  return { broker, plugin };
}

async function byeOf(peer: RawPeer, timeoutMs = 3_000) {
  const frame = await peer.next([FrameType.BYE], timeoutMs);
  return frame === undefined ? undefined : bye.read(frame);
}

/** The frame with the first `from` replaced by `to`, byte by byte. */
function altered(frame: Buffer, from: string, to: readonly number[]): Buffer {
  const at = frame.indexOf(from);
  assert.ok(at >= 0 && from.length === to.length);
  const copy = Buffer.from(frame);
  copy.set(to, at);
  return copy;
}

for (const [name, head, from] of [
  ['topic', { topic: 'a.XX', source: 'peer' }, 'XX'],
  ['source', { topic: 'a.b', source: 'peer/XX' }, 'XX'],
  ['content type', { topic: 'a.b', source: 'peer', contentType: 'XX' }, 'XX'],
  ['id prefix', { topic: 'a.b', source: 'peer', idPrefix: 'XX' }, 'XX'],
  ['traceparent', { topic: 'a.b', source: 'peer', traceparent: 'XX' }, 'XX'],
  ['replyto', { topic: 'a.b', source: 'peer', replyto: '_reply.peer.XX' }, 'XX'],
] as const)
  test(`bytes in the ${name} that are not UTF-8 end the session, and no client is sent them`, async (t) => {
    const broker = await start(t, { peer: ALL, other: ALL });
    const other = await broker.member('other');
    assert.equal(await other.trySubscribe(1, 'a.*'), 'taken');
    const peer = await broker.member('peer');
    await peer.send(altered(peer.publishFrame(head), from, [0xc3, 0x28]));
    assert.equal((await byeOf(peer))?.code, 'PROTOCOL');
    const good = await broker.member('peer');
    assert.equal(await good.refusalOf({ topic: 'a.last', source: 'peer' }), undefined);
    assert.equal((await other.nextMessage())?.head.topic, 'a.last');
  });

test('U+FFFD itself is text like any other', async (t) => {
  const broker = await start(t, { peer: ALL });
  const peer = await broker.member('peer');
  assert.equal(await peer.trySubscribe(1, 'a.*'), 'taken');
  const head = { topic: 'a.\ufffd', source: 'peer/\ufffd' };
  assert.equal(await peer.refusalOf(head), undefined);
  assert.equal((await peer.nextMessage())?.head.source, 'peer/\ufffd');
});

test('JSON that is not UTF-8, or is too long, is malformed', async (t) => {
  const broker = await start(t, { peer: ALL });
  const content = { id: 1, pattern: 'a.*', limit: 16, overflow: 'drop-oldest' } as const;
  const frame = subscribe.write(FrameType.SUBSCRIBE, { ...content, pattern: 'a.XX' });
  const long = Buffer.concat([
    Buffer.of(FrameType.SUBSCRIBE),
    Buffer.from(JSON.stringify({ ...content, later: 'x'.repeat(16_384) })),
  ]);
  for (const hostile of [altered(frame, 'XX', [0xc3, 0x28]), long]) {
    const peer = await broker.member('peer');
    await peer.send(hostile);
    assert.deepEqual(await byeOf(peer), { code: 'PROTOCOL', reason: 'a malformed SUBSCRIBE' });
  }
});

test('attributes with control characters or noncharacters are refused; the session continues', async (t) => {
  const broker = await start(t, { peer: ALL });
  const peer = await broker.member('peer');
  for (const character of ['\n', '\u0000', '\u001b[2J', '\u007f', '\u009b', '\ufffe', '\u{1ffff}']) {
    const good = { topic: 'a.b', source: 'peer' };
    assert.equal(await peer.refusalOf({ ...good, source: `peer/x${character}` }), 'SOURCE');
    assert.equal(await peer.refusalOf({ ...good, idPrefix: `i${character}` }), 'ATTRIBUTE');
    assert.equal(await peer.refusalOf({ ...good, contentType: `t${character}` }), 'ATTRIBUTE');
    assert.equal(await peer.refusalOf({ ...good, traceparent: `p${character}` }), 'ATTRIBUTE');
    const replyto = `${peer.welcomed?.reply}.x${character}`;
    assert.equal(await peer.refusalOf({ ...good, replyto }), 'REPLYTO');
  }
  assert.equal(await peer.refusalOf({ topic: 'a.b', source: 'peer/grüße 🌻' }), undefined);
});

test('the time left is a duration: it shrinks while a message waits, and a date is refused', async (t) => {
  const broker = await start(t, { peer: ALL });
  const peer = await broker.member('peer');
  const replyto = `${peer.welcomed?.reply}.secret`;
  const asked = { topic: 'a.b', source: 'peer', replyto };
  assert.equal(await peer.refusalOf({ ...asked, timeLeftMs: Date.now() + 5_000 }), 'DEADLINE');
  assert.equal(await peer.refusalOf({ ...asked, timeLeftMs: 1_000 }), 'UNANSWERED');
  assert.equal(await peer.trySubscribe(2, '_cancel.a.*'), 'taken');
  assert.equal(await peer.refusalOf({ ...asked, timeLeftMs: 2 ** 31 - 1 }), undefined);
  assert.equal(await peer.trySubscribe(1, 'a.*'), 'taken');
  assert.equal(await peer.refusalOf({ ...asked, timeLeftMs: 60_000 }), undefined);
  const prompt = (await peer.nextMessage())?.head.timeLeftMs ?? 0;
  assert.ok(prompt > 0 && prompt <= 60_000);
  assert.equal(await peer.refusalOf({ ...asked, timeLeftMs: 0 }), undefined);
  assert.equal((await peer.nextMessage())?.head.timeLeftMs, undefined);
  // Two frames that are not confirmed: the next one waits at the broker, and is over when it leaves.
  for (let n = 0; n < 2; n += 1)
    assert.equal(await peer.refusalOf({ topic: 'a.b', source: 'peer' }), undefined);
  assert.equal(await peer.refusalOf({ ...asked, timeLeftMs: 5 }), undefined);
  await until(performance.now() + 6);
  assert.equal((await peer.nextMessage())?.head.timeLeftMs, undefined);
  assert.equal((await peer.nextMessage())?.head.timeLeftMs, undefined);
  assert.equal((await peer.nextMessage())?.head.timeLeftMs, 1);
});

/** Waits until the clock has advanced; the elapsed time itself is under test. */
async function until(moment: number): Promise<void> {
  while (performance.now() < moment) await new Promise((resolve) => setImmediate(resolve));
}

test('a clock that is wrong by years changes no deadline', async (t) => {
  const { broker, plugin } = await startWithPlugins(t, { server: ALL });
  const server = await broker.client('server');
  await server.respond('a.*', () => 'answered');
  const now = Date.now;
  t.after(() => {
    Date.now = now;
  });
  for (const shift of [-1e12, 8_000, 1e12]) {
    // The clock changes between publishing and handling, as if the two processes disagreed.
    let reads = 0;
    Date.now = () => {
      reads += 1;
      return now() + (reads % 2 === 0 ? shift : 0);
    };
    assert.equal(await plugin.request('a.b', 1), 'answered');
  }
});

test('a PUBLISH beyond the window ends the session, a single large one does not', async (t) => {
  const broker = await start(t, { peer: ALL, full: ALL }, { limits: { windowBytes: 8_192 } });
  const full = await broker.member('full', { window: 4_096 });
  await full.send(
    subscribe.write(FrameType.SUBSCRIBE, { id: 1, pattern: 'a.*', limit: 1, overflow: 'wait' }),
  );
  assert.ok((await full.next([FrameType.SUBSCRIBED], 3_000)) !== undefined);
  const peer = await broker.member('peer');
  const head = { topic: 'a.b', source: 'peer' };
  const large = Buffer.alloc(20_000, 'x');
  assert.equal(await peer.refusalOf(head, large), undefined);
  // `full` confirms nothing, so that from here on messages wait for it, and confirmations for them.
  for (let n = 0; n < 8; n += 1) await peer.publish(head, large.subarray(0, 4_000));
  assert.deepEqual(await byeOf(peer), { code: 'PROTOCOL', reason: 'a PUBLISH beyond the window' });
});

test('a frame that is too large ends the connection without a BYE', async (t) => {
  const broker = await start(t, { peer: ALL });
  const left = Promise.withResolvers<void>();
  broker.onEvent = ({ name }) => name === 'left' && left.resolve();
  const peer = await broker.member('peer');
  const { frame = 0 } = peer.welcomed ?? {};
  const head = { topic: 'a.b', source: 'peer' };
  const overhead = peer.publishFrame(head, '').length;
  await peer.send(Buffer.alloc(frame + 1, FrameType.PUBLISH));
  await left.promise;
  assert.equal(peer.frames.length, 0);
  const again = await broker.member('peer');
  assert.equal(await again.refusalOf(head, Buffer.alloc(frame - overhead)), undefined);
});

test('after 1024 subscriptions of a connection, and after any refusal, the id is free and the session continues', async (t) => {
  const broker = await start(t, { peer: ALL });
  const peer = await broker.member('peer');
  const codeOf = async (id: number, pattern: string): Promise<string | undefined> => {
    await peer.send(subscribe.write(FrameType.SUBSCRIBE, { id, pattern, limit: 1, overflow: 'drop-oldest' }));
    const frame = await peer.next([FrameType.SUBSCRIBED], 3_000);
    assert.ok(frame !== undefined);
    return subscribed.read(frame)?.code;
  };
  assert.equal(await codeOf(1, 'b.*'), 'DENIED');
  assert.equal(await codeOf(1, 'a..b'), 'TOPIC');
  for (let id = 1; id <= 1_024; id += 1) assert.equal(await codeOf(id, 'a.*'), undefined);
  assert.equal(await codeOf(1_025, 'a.*'), 'TOO_MANY');
  await peer.send(Buffer.concat([Buffer.of(FrameType.UNSUBSCRIBE), Buffer.from('{"id":7}')]));
  assert.ok((await peer.next([FrameType.UNSUBSCRIBED], 3_000)) !== undefined);
  assert.equal(await codeOf(1_025, 'a.*'), undefined);
  await peer.send(
    subscribe.write(FrameType.SUBSCRIBE, { id: 8, pattern: 'a.*', limit: 1, overflow: 'wait' }),
  );
  assert.deepEqual(await byeOf(peer), { code: 'PROTOCOL', reason: 'a subscription id that is taken' });
});

test('a gap in the numbers, an ACK of what was not sent, and an unknown type end the session', async (t) => {
  const broker = await start(t, { peer: ALL });
  const cases = [
    (peer: RawPeer) => {
      peer.publishFrame({ topic: 'a.b', source: 'peer' });
      return peer.publishFrame({ topic: 'a.b', source: 'peer' });
    },
    () => Buffer.of(FrameType.ACK, 0, 0, 0, 1),
    () => Buffer.of(0x77),
  ];
  for (const hostile of cases) {
    const peer = await broker.member('peer');
    await peer.send(hostile(peer));
    assert.equal((await byeOf(peer))?.code, 'PROTOCOL');
  }
});

test('a malformed batch ends the session; the batches before it are delivered', async (t) => {
  const broker = await start(t, { peer: ALL, other: ALL });
  const other = await broker.member('other');
  assert.equal(await other.trySubscribe(1, 'a.*'), 'taken');
  const peer = await broker.member('peer');
  const good = peer.publishFrame({ topic: 'a.b', source: 'peer' });
  await peer.send(Buffer.concat([good, Buffer.of(0, 0, 0, 9)]));
  assert.deepEqual(await byeOf(peer), { code: 'PROTOCOL', reason: 'a malformed PUBLISH' });
  assert.equal((await other.nextMessage())?.head.topic, 'a.b');
});

test('a malformed or too deep body is refused for a plugin, and forwarded to other clients', async (t) => {
  const { broker, plugin } = await startWithPlugins(t, { peer: ALL, other: ALL });
  const heard: unknown[] = [];
  await plugin.subscribe('a.plugin', (_topic, message) => void heard.push(message));
  const peer = await broker.member('peer');
  const other = await broker.member('other');
  assert.equal(await other.trySubscribe(1, 'a.*'), 'taken');
  const deep = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
  const packed = { contentType: 'application/msgpack' };
  const cases: readonly (readonly [string | undefined, object, string | Uint8Array])[] = [
    ['PAYLOAD', {}, '{'],
    ['PAYLOAD', {}, Buffer.from('22c32822', 'hex')],
    ['PAYLOAD', packed, Buffer.of(0xc1)],
    ['PAYLOAD', packed, Buffer.of(0xa2, 0xc3, 0x28)],
    ['BOUNDS', {}, deep(65)],
    ['BOUNDS', {}, deep(100_000)],
    ['BOUNDS', packed, Buffer.alloc(100_000, 0x91).fill(0xc0, 99_999)],
    [undefined, {}, deep(64)],
    [undefined, packed, Buffer.alloc(65, 0x91).fill(0xc0, 64)],
  ];
  for (const [code, head, body] of cases) {
    const plainly = { topic: 'a.other', source: 'peer', ...head };
    assert.equal(await peer.refusalOf(plainly, body), undefined);
    assert.equal((await other.nextMessage())?.body, Buffer.from(body).toString());
    assert.equal(await peer.refusalOf({ ...plainly, topic: 'a.plugin' }, body), code);
    assert.ok((await other.nextMessage()) !== undefined);
  }
  await plugin.drain();
  assert.equal(heard.length, 2);
});

test('drops are reported as a total, and a confirmation releases queued messages', async (t) => {
  const broker = await start(t, { peer: ALL }, { limits: { heartbeatMs: 100 } });
  const peer = await broker.member('peer');
  assert.equal(await peer.trySubscribe(1, 'a.*'), 'taken');
  // More than a frame gathers: one message in each.
  const body = Buffer.alloc(70_000, 'x');
  // 1 MiB of window, 16 messages that may wait: the rest is dropped.
  for (let n = 0; n < 40; n += 1) await peer.refusalOf({ topic: 'a.b', source: 'peer' }, body);
  const inFlight = peer.frames.filter(([type]) => type === FrameType.DELIVER).length;
  for (let total = 0; total !== 40 - 16 - inFlight; ) {
    const frame = await peer.next([FrameType.DROPPED], 3_000);
    assert.ok(frame !== undefined, `${total} of ${40 - 16 - inFlight} drops were told`);
    total = dropped.read(frame)?.dropped ?? 0;
  }
  for (let n = 0; n < inFlight + 16; n += 1) assert.ok((await peer.nextMessage()) !== undefined);
});

test('a silent client gets BYE and is removed; a PING of an unknown client is answered by UNKNOWN', async (t) => {
  const broker = await start(t, { peer: ALL }, { limits: { heartbeatMs: 40 } });
  const peer = await broker.member('peer');
  assert.equal((await byeOf(peer))?.code, 'SILENT');
  await peer.send(Buffer.of(FrameType.PING));
  assert.equal((await byeOf(peer))?.code, 'UNKNOWN');
});

test('revoking or renewing a grant ends every connection of its component with REVOKED', async (t) => {
  const broker = await start(t, { peer: ALL, other: ALL });
  const peers = [await broker.member('peer'), await broker.member('peer')];
  const other = await broker.member('other');
  broker.grant('peer', ALL);
  for (const peer of peers) assert.equal((await byeOf(peer))?.code, 'REVOKED');
  const renewed = await broker.member('peer');
  broker.revoke('peer');
  assert.equal((await byeOf(renewed))?.code, 'REVOKED');
  assert.equal(await other.refusalOf({ topic: 'a.b', source: 'other' }), undefined);
});

test('clients beyond the limit get BUSY', async (t) => {
  const broker = await start(t, { peer: ALL }, { limits: { sessionsPerComponent: 1 } });
  await broker.member('peer');
  await assert.rejects(broker.member('peer'));
});
