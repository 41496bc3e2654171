/** WebSockets inside a channel: topics of the bus, and what else may be asked for by an upgrade. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { createTestBackend, localRequest, type TestBackend } from '@aico/backend/testing';
import { type Envelope, MessageBusClient } from '@aico/shared/core/bus';
import { createLogging } from '@aico/shared/core/logging';
import WebSocket, { WebSocketServer } from 'ws';
import { OWNER } from '../src/core/access.ts';
import { LiveSubscriptions } from '../src/plugins/events/live-subscriptions.ts';
import { TopicSocket } from '../src/plugins/events/topic-socket.ts';
import { openChannel, pair } from './fixtures/channel.ts';
import { startWorld } from './fixtures/through-channel.ts';

type Told = Record<string, unknown>;

/** A client of the topics, which records the received messages in order. */
class Client {
  readonly webSocket: WebSocket;
  readonly #told: Told[] = [];
  #news = Promise.withResolvers<void>();

  constructor(webSocket: WebSocket) {
    this.webSocket = webSocket;
    webSocket.on('error', () => {});
    webSocket.on('message', (data) => {
      this.#told.push(JSON.parse(String(data)) as Told);
      this.#news.resolve();
    });
    webSocket.on('close', () => this.#news.reject(new Error('closed')));
    this.#news.promise.catch(() => {});
  }

  say(message: unknown): void {
    this.webSocket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  async next(): Promise<Told> {
    while (this.#told.length === 0) {
      await this.#news.promise;
      this.#news = Promise.withResolvers();
      this.#news.promise.catch(() => {});
    }
    return this.#told.shift() ?? {};
  }

  /** Sends a message. @returns the next message that is received */
  ask(message: unknown): Promise<Told> {
    this.say(message);
    return this.next();
  }
}

/** A WebSocket through a channel of its own, to a device of these roles. */
async function open(
  t: TestContext,
  backend: TestBackend,
  { roles, path = '/api/v1/events/ws' }: { readonly roles?: readonly string[]; readonly path?: string } = {},
) {
  const channel = await openChannel(backend.http, await pair(backend, roles));
  channel.on('error', () => {});
  const webSocket = new WebSocket(`ws://aico${path}`, { createConnection: () => channel });
  t.after(() => webSocket.terminate());
  return { webSocket, channel };
}

async function client(t: TestContext, backend: TestBackend, roles?: readonly string[]): Promise<Client> {
  const { webSocket } = await open(t, backend, roles === undefined ? {} : { roles });
  const made = new Client(webSocket);
  await once(webSocket, 'open');
  return made;
}

async function start(t: TestContext): Promise<TestBackend> {
  const backend = await createTestBackend();
  t.after(() => backend.stop());
  return backend;
}

const codeOf = (told: Told): unknown => (told.problem as { code?: unknown } | undefined)?.code;

test('topics are subscribed to, published on and left over one WebSocket inside a channel', async (t) => {
  const backend = await start(t);
  const bus = backend.container.getService('message_bus');
  const phone = await client(t, backend);
  const subscribed = await phone.ask({ op: 'subscribe', id: 1, topic: 'notes.*' });
  assert.deepEqual([subscribed.op, subscribed.id, subscribed.topic], ['subscribed', 1, 'notes.*']);
  await bus.publish('notes.created', { text: 'from a plugin' });
  await bus.publish('elsewhere.created', { text: 'not this' });
  const event = await phone.next();
  assert.deepEqual([event.op, event.topic, event.at], ['event', 'notes.*', `${subscribed.subscription}:1`]);
  assert.deepEqual((event.event as Told).data, { text: 'from a plugin' });

  const heard = Promise.withResolvers<Envelope>();
  await bus.subscribe('draft.saved', (_topic, _message, envelope) => heard.resolve(envelope));
  const published = await phone.ask({ op: 'publish', id: 'p', topic: 'draft.saved', data: { n: 7 } });
  assert.deepEqual(published, { op: 'published', id: 'p', topic: 'draft.saved' });
  const { data, source } = await heard.promise;
  assert.deepEqual(data, { n: 7 });
  const { devices } = (await localRequest(backend.socket, '/api/v1/devices')).json() as {
    devices: { id: string }[];
  };
  assert.equal(source, `device-${devices[0]?.id}`);

  assert.equal((await phone.ask({ op: 'unsubscribe', id: 3, topic: 'notes.*' })).op, 'unsubscribed');
  const again = await phone.ask({ op: 'subscribe', id: 4, topic: 'notes.*' });
  assert.deepEqual([again.op, again.resumed], ['subscribed', false]);
  await bus.publish('notes.created', 1);
  assert.equal((await phone.next()).op, 'event');
});

test('a client that reconnects resumes after the last received event', async (t) => {
  const backend = await start(t);
  const bus = backend.container.getService('message_bus');
  const credentials = await pair(backend);
  const connect = async (): Promise<Client> => {
    const channel = await openChannel(backend.http, credentials);
    const webSocket = new WebSocket('ws://aico/api/v1/events/ws', { createConnection: () => channel });
    t.after(() => webSocket.terminate());
    const made = new Client(webSocket);
    await once(webSocket, 'open');
    return made;
  };
  const first = await connect();
  await first.ask({ op: 'subscribe', id: 1, topic: 'notes.>' });
  await bus.publish('notes.a', 1);
  const { at } = await first.next();
  const gone = once(first.webSocket, 'close');
  first.webSocket.terminate();
  await gone;
  await bus.publish('notes.b', 2);
  const second = await connect();
  const resumed = await second.ask({ op: 'subscribe', id: 1, topic: 'notes.>', after: at });
  assert.equal(resumed.resumed, true);
  assert.equal(((await second.next()).event as Told).data, 2);
});

test("a client is limited to its device's rights, gets an error for each mistake, and has bounded resources", async (t) => {
  const backend = await start(t);
  const guest = await client(t, backend, ['guest']);
  assert.equal((await guest.ask({ op: 'subscribe', id: 1, topic: 'notes.*' })).op, 'subscribed');
  for (const [said, code] of [
    [{ op: 'publish', id: 2, topic: 'notes.made', data: 1 }, 'AICO_GATEWAY_CAPABILITY'],
    [{ op: 'subscribe', id: 3, topic: 'notes.*' }, 'AICO_EVENTS_TOPIC'],
    [{ op: 'subscribe', id: 3, topic: '_reply.>' }, 'AICO_BUS_TOPIC_RESERVED'],
    [{ op: 'unsubscribe', id: 3, topic: 'other' }, 'AICO_EVENTS_TOPIC'],
    [{ op: 'publish', id: 3, topic: 'notes.*', data: 1 }, 'AICO_EVENTS_TOPIC'],
    [{ op: 'publish', id: 3, topic: 'logs.gateway', data: 1 }, 'AICO_BUS_TOPIC_RESERVED'],
    [{ op: 'dance', id: 3 }, 'AICO_EVENTS_MESSAGE'],
    ['no JSON', 'AICO_EVENTS_MESSAGE'],
  ] as const)
    assert.equal(codeOf(await guest.ask(said)), code, JSON.stringify(said));
  for (let n = 1; n < 32; n += 1)
    assert.equal((await guest.ask({ op: 'subscribe', id: n, topic: `room${n}.*` })).op, 'subscribed');
  assert.equal(codeOf(await guest.ask({ op: 'subscribe', id: 0, topic: 'more' })), 'AICO_EVENTS_TOO_MANY');
  const closed = once(guest.webSocket, 'close');
  guest.webSocket.send(Buffer.from('bytes'));
  assert.equal((await closed)[0], 1003);
});

test('a client that does not read receives no more than the connection accepts; its losses are counted exactly', async (t) => {
  const backend = await start(t);
  const bus = backend.container.getService('message_bus');
  const phone = await client(t, backend);
  await phone.ask({ op: 'subscribe', id: 1, topic: 'load.*' });
  phone.webSocket.pause();
  const count = 400;
  const text = 'x'.repeat(100_000);
  for (let n = 1; n <= count; n += 1) await bus.publish('load.x', { n, text });
  phone.webSocket.resume();
  let [events, lost] = [0, 0];
  for (let last = 0; last < count; ) {
    const told = await phone.next();
    if (told.op === 'gap') lost += Number(told.lost);
    else {
      events += 1;
      last = ((told.event as Told).data as { n: number }).n;
      assert.equal(last, events + lost);
    }
  }
  assert.equal(events + lost, count);
  assert.ok(lost > 0, 'nothing was lost: 40 MB were held for it');
});

test('a WebSocket is closed when the backend stops, and a revoked device loses it at once', async (t) => {
  const backend = await start(t);
  const phone = await client(t, backend);
  await phone.ask({ op: 'subscribe', id: 1, topic: 'notes.*' });
  const cut = once(phone.webSocket, 'close');
  const { devices } = (await localRequest(backend.socket, '/api/v1/devices')).json() as {
    devices: { id: string }[];
  };
  await localRequest(backend.socket, `/api/v1/devices/${devices[0]?.id}`, { method: 'DELETE' });
  await cut;
  const laptop = await client(t, backend);
  await laptop.ask({ op: 'subscribe', id: 1, topic: 'notes.*' });
  const closed = once(laptop.webSocket, 'close');
  const { exitCode } = await backend.lifecycle.stop('test');
  assert.equal((await closed)[0], 1001);
  assert.equal(exitCode, 0);
});

test('only a route declared for it accepts a WebSocket, after authorisation and middleware', async (t) => {
  const { backend, gateway } = await startWorld(t, (app) => {
    app.get('/', async () => 'there');
    app.get('/echo', { config: { access: 'public', webSocket: true } }, async (request, reply) => {
      const webSocket = await request.acceptWebSocket(reply);
      webSocket.on('message', (data) => webSocket.send(`${request.principal.kind}: ${data}`));
    });
  });
  await gateway.mount('vault', (app) => {
    app.get('/', { config: { access: 'vault:open', webSocket: true } }, async (request, reply) => {
      await request.acceptWebSocket(reply);
    });
  });
  const refusal = async (path: string): Promise<string> => {
    const { webSocket } = await open(t, backend, { path, roles: ['guest'] });
    const [error] = (await once(webSocket, 'error')) as [Error];
    return error.message;
  };
  assert.match(await refusal('/api/v1/test'), /Unexpected server response: 200/);
  assert.match(await refusal('/api/v1/nothing'), /404/);
  assert.match(await refusal('/api/v1/vault'), /403/);
  const { webSocket } = await open(t, backend, { path: '/api/v1/test/echo' });
  await once(webSocket, 'open');
  webSocket.send('hello');
  assert.equal(String((await once(webSocket, 'message'))[0]), 'device: hello');
  const plain = await localRequest(backend.socket, '/api/v1/test/echo');
  assert.deepEqual([plain.status, (plain.json() as Told).code], [426, 'AICO_GATEWAY_UPGRADE_REQUIRED']);
});

test('a client that does not answer a ping is disconnected; one that does is kept', async (t) => {
  const http = createServer().listen(0, '127.0.0.1');
  await once(http, 'listening');
  const server = new WebSocketServer({ server: http });
  const bus = new MessageBusClient({ source: 'test' });
  await bus.connect();
  t.after(async () => {
    for (const each of server.clients) each.terminate();
    server.close();
    http.close();
    await bus.close();
  });
  const live = new LiveSubscriptions(bus);
  const logger = createLogging({ console: { enabled: false } }).getLogger('test', 'events');
  t.mock.timers.enable({ apis: ['setInterval'] });
  const connect = async (options: WebSocket.ClientOptions) => {
    const accepted = once(server, 'connection');
    const client = new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}`, options);
    const [webSocket] = (await accepted) as [WebSocket];
    const { closed } = new TopicSocket({ webSocket, live, bus, principal: OWNER, logger });
    return { client, webSocket, closed };
  };
  const good = await connect({});
  const dead = await connect({ autoPong: false });
  const gone = once(dead.client, 'close');
  for (let beat = 0; beat < 3; beat += 1) {
    const answered = once(good.webSocket, 'pong');
    t.mock.timers.tick(30_000);
    await answered;
  }
  await gone;
  await dead.closed;
  assert.equal(good.webSocket.readyState, WebSocket.OPEN);
  good.client.terminate();
  await good.closed;
});
