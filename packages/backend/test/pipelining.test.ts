/** Requests that a client sends before the last one is answered, and what must not become of them. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { localRequest } from '@aico/backend/testing';
import { Multiplexer } from '@aico/protocol/carrier';
import { openChannel, pair } from './fixtures/channel.ts';
import { startWorld } from './fixtures/through-channel.ts';

const WEB_SOCKET =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
const CHANNEL = 'Connection: Upgrade\r\nUpgrade: aico-channel/1\r\n';

const get = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${more}\r\n`;

/** All that is answered to bytes that are sent in one piece, until the server closes. */
async function answered(connection: Duplex, bytes: string): Promise<string> {
  connection.on('error', () => {});
  connection.write(bytes);
  return text(connection);
}

async function world(t: TestContext) {
  let taken = 0;
  const made = await startWorld(t, (app) => {
    app.get('/slow', async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return 'slow';
    });
    app.post('/take', () => {
      taken += 1;
      return 'taken';
    });
    app.get('/ws', { config: { access: 'public', webSocket: true } }, async (request, reply) => {
      await request.acceptWebSocket(reply);
    });
  });
  return { ...made, taken: () => taken };
}

const statuses = (answer: string): string[] =>
  [...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].flatMap(([, status]) => status ?? []);

test('an upgrade pipelined behind a request is answered as a request, in order', async (t) => {
  const { backend } = await world(t);
  const credentials = await pair(backend);
  const bytes = get('/api/v1/test/slow') + get('/api/v1/test/ws', WEB_SOCKET);
  assert.deepEqual(statuses(await answered(connect(backend.socket), bytes)), ['200', '426']);
  assert.deepEqual(statuses(await answered(await openChannel(backend.http, credentials), bytes)), [
    '200',
    '426',
  ]);
  assert.equal((await localRequest(backend.socket, '/api/v1/test/slow')).status, 200);
});

test('requests behind an answer that closes the connection are neither executed nor answered', async (t) => {
  const { backend, taken } = await world(t);
  const closing = 'GET / HTTP/1.1\r\n\r\n';
  const take = 'POST /api/v1/test/take HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n';
  for (const behind of [take, get('/api/v1/test/ws', WEB_SOCKET), 'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n'])
    assert.deepEqual(statuses(await answered(connect(backend.socket), closing + behind)), ['400'], behind);
  assert.equal(taken(), 0);
});

test('the public port opens no channel behind a refusal, nor while a probe is being answered', async (t) => {
  const { backend } = await world(t);
  const open = (): Duplex => connect(Number(new URL(backend.http).port), '127.0.0.1');
  const behindRefusal = await answered(open(), get('/api/v1/test') + get('/channel', CHANNEL));
  assert.deepEqual(statuses(behindRefusal), ['403']);
  const behindProbe = await answered(open(), get('/readyz') + get('/channel', CHANNEL));
  // The result of the probe does not matter.
  assert.match(statuses(behindProbe).join(), /^(?:200|503),403$/);
  const [head] = (await once(
    open().once('connect', function (this: Duplex) {
      this.write(get('/channel', CHANNEL));
    }),
    'data',
  )) as [Buffer];
  assert.match(String(head), /^HTTP\/1\.1 101 /);
});

test('a WebSocket route without an error listener, or one that throws, ends that WebSocket only', async (t) => {
  const { gateway, backend } = await world(t);
  await gateway.mount('careless', (app) => {
    app.get('/', { config: { access: 'public', webSocket: true } }, async (request, reply) => {
      const webSocket = await request.acceptWebSocket(reply);
      webSocket.on('message', () => {
        throw new Error('careless');
      });
    });
  });
  const upgrade = get('/api/v1/careless', WEB_SOCKET);
  // A frame that no client may send, unmasked, and one that is well-formed.
  for (const frame of ['\x81\x01x', '\x81\x81\0\0\0\0x']) {
    const connection = connect(backend.socket).on('error', () => {});
    connection.write(upgrade);
    await once(connection, 'data');
    connection.write(Buffer.from(frame, 'latin1'));
    connection.resume();
    await once(connection, 'close');
  }
  assert.equal((await localRequest(backend.socket, '/api/v1/test/slow')).status, 200);
});

test('a connection with many pending answers gets no further requests processed', async (t) => {
  const { backend, gateway } = await world(t);
  let begun = 0;
  const release = Promise.withResolvers<void>();
  await gateway.mount('waiting', (app) => {
    app.get('/', { config: { access: 'public' } }, async () => {
      begun += 1;
      await release.promise;
      return `${begun}`;
    });
  });
  const request = `${get('/api/v1/waiting', 'Content-Length: 1000\r\n')}${' '.repeat(1_000)}`;
  const owed = connect(backend.socket).on('error', () => {});
  owed.write(request.repeat(100));
  await new Promise((resolve) => owed.resume().once('close', resolve));
  assert.equal(begun, 17);

  const kept = connect(backend.socket);
  kept.write(request.repeat(17));
  release.resolve();
  kept.write(get('/api/v1/test/slow', 'Connection: close\r\n'));
  assert.equal(statuses(await text(kept)).length, 18);
});

test('a device that reads none of its answers is cut, and others are served', async (t) => {
  const { backend, gateway } = await world(t);
  const large = 'x'.repeat(8 * 1_048_576);
  await gateway.mount('large', (app) => {
    app.get('/', { config: { access: 'public' } }, async () => large);
  });
  const channel = await openChannel(backend.http, await pair(backend));
  const cut = new Promise((resolve) => channel.on('error', () => {}).once('close', resolve));
  const connections = Multiplexer.open(channel);
  // 160 MiB: more than the answers of one device may hold.
  for (let n = 0; n < 20; n += 1)
    connections
      .stream()
      .on('error', () => {})
      .pause()
      .write(get('/api/v1/large'));
  await cut;
  assert.equal((await localRequest(backend.socket, '/api/v1/test/slow')).status, 200);
});
