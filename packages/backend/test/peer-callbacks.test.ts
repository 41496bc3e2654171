/** No callback that a peer can reach ends the backend: each is made to throw, once, while everything a peer can do is done. */
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { globSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { localRequest } from '@aico/backend/testing';
import type { DeviceCredentials } from '@aico/protocol/channel';
import WebSocket, { createWebSocketStream } from 'ws';
import { openChannel, pair, upgrade } from './fixtures/channel.ts';
import { ChannelAgent, post } from './fixtures/channel-agent.ts';

const FIXTURE = fileURLToPath(new URL('./fixtures/faulty-backend.ts', import.meta.url));
/** The time limit of one action of a peer, since an action on a connection that was ended may never finish. */
const PATIENCE_MS = 1_000;

interface Faulty {
  readonly child: ChildProcess;
  readonly socket: string;
  readonly http: string;
  readonly credentials: DeviceCredentials;
}

async function start(): Promise<Faulty> {
  const child = fork(FIXTURE, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const [{ socket, http }] = (await once(child, 'message')) as [{ socket: string; http: string }];
  return { child, socket, http, credentials: await pair({ socket, http }) };
}

async function ask(child: ChildProcess, message: { readonly arm?: string }) {
  child.send(message);
  const [state] = await once(child, 'message');
  return state as { readonly reached: readonly string[] };
}

/** Sends bytes as they are. Resolves when the server has closed, or answered and nothing more is to come. */
async function say(target: string, bytes: string): Promise<void> {
  const url = target.startsWith('http') ? new URL(target) : undefined;
  const socket = url === undefined ? connect(target) : connect(Number(url.port), url.hostname);
  socket.on('error', () => {}).on('data', () => {});
  socket.end(bytes);
  await closed(socket);
}

async function closed(socket: Duplex): Promise<void> {
  const over = Promise.withResolvers<void>();
  socket.once('close', () => over.resolve());
  const timer = setTimeout(() => over.resolve(), PATIENCE_MS);
  await over.promise;
  clearTimeout(timer);
  socket.destroy();
}

const get = (target: string, more = ''): string => `GET ${target} HTTP/1.1\r\nHost: localhost\r\n${more}\r\n`;
const WEB_SOCKET =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
const CHANNEL = 'Connection: Upgrade\r\nUpgrade: aico-channel/1\r\n';

/** Sends broken and well-formed requests to the HTTP servers of both addresses. */
async function hostileHttp({ socket, http }: Faulty): Promise<void> {
  const messages = [
    get('/api/v1/health') + get('/api/v1/events/ws', WEB_SOCKET),
    get('/readyz') + get('/channel', CHANNEL),
    get('/api/v1/nothing') + get('/channel', CHANNEL),
    get('/api/v1/events/ws', WEB_SOCKET),
    get('/api/v1/events/ws', WEB_SOCKET.replace('13', '12')),
    get('/channel', CHANNEL),
    get('/livez', 'Expect: nonsense\r\n') + get('/livez'),
    'GET / HTTP/1.1\r\n\r\n',
    'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n',
    '\x16\x03\x01',
  ];
  await Promise.all([socket, http].flatMap((target) => messages.map((each) => say(target, each))));
}

/** Opens each event stream, and leaves it. */
async function follow({ socket }: Faulty): Promise<void> {
  const streams = ['events?topic=test.*', 'logs/stream'];
  await Promise.all(
    streams.map(async (each) => {
      const reader = connect(socket).on('error', () => {});
      reader.write(get(`/api/v1/${each}`));
      await within(once(reader, 'data'));
      await within(
        localRequest(socket, '/api/v1/bus/messages', {
          method: 'POST',
          body: { topic: 'test.a', message: 1 },
        }),
      );
      reader.destroy();
    }),
  );
}

/** A WebSocket for topics that says something right, something wrong, and something that is cut. */
async function topics(webSocket: WebSocket): Promise<void> {
  webSocket.on('error', () => {});
  const next = (): Promise<unknown> => within(once(webSocket, 'message'));
  await within(once(webSocket, 'open'));
  if (webSocket.readyState !== WebSocket.OPEN) return;
  for (const said of [
    { op: 'subscribe', id: 1, topic: 'test.*' },
    { op: 'publish', id: 2, topic: 'test.b', data: 1 },
    7,
  ]) {
    webSocket.send(JSON.stringify(said));
    await next();
  }
  webSocket.ping();
  webSocket.pong();
  webSocket.send(Buffer.from('bytes'));
  await within(once(webSocket, 'close'));
  webSocket.terminate();
}

async function webSockets({ socket, http, credentials }: Faulty): Promise<void> {
  await topics(new WebSocket(`ws+unix://${socket}:/api/v1/events/ws`));
  const channel = await openChannel(http, credentials);
  channel.on('error', () => {});
  await topics(new WebSocket('ws://aico/api/v1/events/ws', { createConnection: () => channel }));
  channel.destroy();
}

/** Channels: whole, cut at every step, and over a WebSocket. */
async function channels(faulty: Faulty): Promise<void> {
  const { http, credentials } = faulty;
  const agent = new ChannelAgent(http, credentials, 4);
  await within(
    Promise.all([1, 2, 3, 4].map(() => post(agent, '/api/v1/bus/messages', { topic: 'test.c', message: 1 }))),
  );
  const multiplexer = await within(agent.channel());
  const cut = multiplexer?.stream().on('error', () => {});
  cut?.write(get('/api/v1/logs/stream'));
  cut?.destroy();
  agent.destroy();
  await within(pair(faulty));
  (await upgrade(http)).end('\0\x01x');
  (await upgrade(http)).destroy();
  const { host } = new URL(http);
  const carrier = new WebSocket(`ws://${host}/channel`, 'aico-channel.1');
  await within(
    once(
      carrier.on('error', () => {}),
      'open',
    ),
  );
  const bytes = createWebSocketStream(carrier)
    .on('error', () => {})
    .on('data', () => {});
  bytes.write('\0\x01x');
  await within(once(carrier, 'close'));
}

async function everything(faulty: Faulty): Promise<void> {
  const deeds = [hostileHttp, follow, webSockets, channels];
  await Promise.all(deeds.map((deed) => deed(faulty).catch(() => undefined)));
}

function sampled(places: readonly string[], count: number): readonly string[] {
  const first = Math.floor(Math.random() * places.length);
  const step = places.length / count;
  return Array.from({ length: count }, (_, n) => places[Math.floor(first + n * step) % places.length] ?? '');
}

async function within<T>(work: Promise<T>): Promise<T | undefined> {
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => late.resolve(undefined), PATIENCE_MS);
  try {
    return await Promise.race([work, late.promise]);
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

test('an error thrown in any callback of a connection leaves the backend running for the next', async (t) => {
  let faulty = await start();
  t.after(() => faulty.child.kill());
  await everything(faulty);
  const { reached } = await ask(faulty.child, {});
  t.diagnostic(`${reached.length} callbacks were reached`);
  assert.ok(reached.length > 40, 'what a peer does reaches the callbacks there are');
  const unguarded: string[] = [];
  // A random part of them; all of them with AICO_TEST_ALL=1.
  const tried = process.env.AICO_TEST_ALL === '1' ? reached : sampled(reached, 12);
  t.diagnostic(`tried: ${tried.join(', ')}`);
  for (const place of tried) {
    await ask(faulty.child, { arm: place });
    await everything(faulty);
    const served = await within(localRequest(faulty.socket, '/api/v1/health'));
    if (faulty.child.exitCode === null && served?.status === 200) continue;
    unguarded.push(place);
    faulty.child.kill('SIGKILL');
    faulty = await start();
  }
  assert.deepEqual(unguarded, []);
});

test('every emitter for a peer is created where a guard is available', () => {
  const root = fileURLToPath(new URL('../src/', import.meta.url));
  const makes =
    /createServer\(|new ServerResponse\(|new SealedStream\(|createWebSocketStream\(|handleUpgrade\(|Multiplexer\.accept\(/;
  const files = globSync(['gateway/**/*.ts', 'channel/**/*.ts', 'plugins/**/*.ts', 'bus/**/*.ts'], {
    cwd: root,
  });
  const made = files.filter(
    (file) => !file.endsWith('.test.ts') && makes.test(readFileSync(root + file, 'utf8')),
  );
  assert.ok(made.length >= 5, made.join());
  for (const file of made)
    assert.match(readFileSync(root + file, 'utf8'), /guard\.(?:watch|call|messages)/, file);
});
