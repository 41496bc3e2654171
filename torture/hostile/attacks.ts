/** The attacks of a hostile peer on each interface. A new attack is added here, or in a file beside this one. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { localRequest } from '@aico/backend/testing';
import { Multiplexer } from '@aico/protocol/carrier';
import { ChannelInitiator } from '@aico/protocol/channel';
import { sodiumSuite } from '@aico/protocol/channel/node';
import WebSocket from 'ws';
import { nextFrame, openChannel, upgrade } from '../../packages/backend/test/fixtures/channel.ts';
import {
  type Attack,
  AttackSucceeded,
  closed,
  converse,
  dial,
  PATIENCE_MS,
  type Target,
  within,
} from './world.ts';

const WEB_SOCKET =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
const CHANNEL = 'Connection: Upgrade\r\nUpgrade: aico-channel/1\r\n';

const get = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${more}\r\n`;
const post = (path: string, body: string, length = Buffer.byteLength(body)): string =>
  `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n${body}`;

const REQUESTS: readonly string[] = [
  get('/api/v1/health'),
  get('/livez'),
  get('/readyz'),
  get('/api/v1/nothing'),
  get('/api/v1/events/ws', WEB_SOCKET),
  get('/api/v1/events/ws', WEB_SOCKET.replace('13', '8')),
  get('/api/v1/events?topic=hostile.*'),
  get('/api/v1/logs/stream'),
  get('/channel', CHANNEL),
  get('/channel', `${WEB_SOCKET}Sec-WebSocket-Protocol: aico-channel.1\r\n`),
  get('/api/v1/health', 'Expect: nonsense\r\n'),
  get('/api/v1/health', 'Connection: close\r\n'),
  'GET /api/v1/health HTTP/1.1\r\n\r\n',
  'GET /api/v1/health HTTP/1.0\r\n\r\n',
  'CONNECT localhost:1 HTTP/1.1\r\nHost: localhost\r\n\r\n',
  'OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n',
  post('/api/v1/bus/messages', '{"topic":"hostile.a","message":1}'),
  post('/api/v1/bus/messages', '{"topic":"hostile.a"', 1_000),
  'POST /api/v1/bus/messages HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n',
  'POST /api/v1/bus/messages HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  '\x16\x03\x01\x02\0',
  '\r\n\r\n',
  `GET / HTTP/1.1\r\nHost: a\r\nX: ${'y'.repeat(70_000)}\r\n\r\n`,
];

/** Several requests in one write, or split at random positions. */
function pipelined({ random }: Target): readonly Buffer[] {
  const all = Buffer.from(
    Array.from({ length: 2 + random(4) }, () => REQUESTS[random(REQUESTS.length)] ?? '').join(''),
    'latin1',
  );
  const cut = random(3) === 0 ? random(all.length) : all.length;
  return [all.subarray(0, cut), all.subarray(cut)];
}

function nested(depth: number): string {
  return `{"topic":"hostile.deep","message":${'['.repeat(depth)}${']'.repeat(depth)}}`;
}

/** Opens a channel of the hostile device. */
async function channelOf({ http, credentials }: Target) {
  const channel = await within(openChannel(http, credentials), PATIENCE_MS);
  // The port may close the connection without a byte, to make room for another.
  if (channel === undefined) throw new Error('closed before it was open');
  return channel.on('error', () => {});
}

async function webSocketOf(target: Target): Promise<WebSocket> {
  const channel = await channelOf(target);
  const webSocket = new WebSocket('ws://aico/api/v1/events/ws', { createConnection: () => channel });
  webSocket.on('error', () => {});
  await within(once(webSocket, 'open'));
  return webSocket;
}

export const ATTACKS: readonly Attack[] = [
  {
    name: 'pipelining on the local socket',
    run: async (target) => void (await converse(dial(target.socket), pipelined(target))),
  },
  {
    name: 'pipelining on the public port',
    run: async (target) => {
      const answer = await converse(dial(target.http), pipelined(target));
      if (/"(?:checks|published)"/.test(answer))
        throw new AttackSucceeded(`answered in the clear: ${answer.slice(0, 200)}`);
    },
  },
  {
    name: 'pipelining in a channel',
    run: async (target) => void (await converse(await channelOf(target), pipelined(target))),
  },
  {
    name: 'pipelining in several connections of a channel',
    run: async (target) => {
      const multiplexer = Multiplexer.open(await channelOf(target));
      await Promise.all([1, 2, 3].map(() => converse(multiplexer.stream(), pipelined(target))));
      multiplexer.carrier.destroy();
    },
  },
  {
    name: 'deep JSON',
    run: async (target) => {
      const depth = [65, 2_500, 40_000, 400_000][target.random(4)] ?? 65;
      const { status } = await localRequest(target.socket, '/api/v1/bus/messages', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: { topic: 'hostile.deep', message: JSON.parse(nested(60)) },
      });
      if (status !== 202) throw new AttackSucceeded(`a body within the limit was answered with ${status}`);
      const answer = await converse(dial(target.socket), [post('/api/v1/bus/messages', nested(depth))]);
      if (/^HTTP\/1\.1 2/.test(answer)) throw new AttackSucceeded(`${depth} levels were accepted`);
    },
  },
  {
    name: 'deep and malformed messages on a WebSocket',
    run: async (target) => {
      const webSocket = await webSocketOf(target);
      for (const each of [
        `{"op":"publish","id":1,"topic":"hostile.a","data":${'['.repeat(3_000)}${']'.repeat(3_000)}}`,
        '{"op":"subscribe","id":1,"topic":"hostile.>"}',
        '{"op":"publish","id":1,"topic":"_reply.x","data":1}',
        '[',
      ])
        if (webSocket.readyState === WebSocket.OPEN) webSocket.send(each);
      await within(once(webSocket, 'message'), 300);
      webSocket.terminate();
    },
  },
  {
    name: 'random frames behind the upgrade to a WebSocket',
    run: async (target) =>
      void (await converse(dial(target.socket), [
        get('/api/v1/events/ws', WEB_SOCKET),
        randomBytes(2 + target.random(200)),
      ])),
  },
  {
    name: 'random frames in a channel',
    run: async (target) => {
      const preface = target.random(2) === 0 ? [] : [Uint8Array.of(0)];
      await converse(await channelOf(target), [...preface, randomBytes(1 + target.random(400))]);
    },
  },
  {
    name: 'the first message of the good device, replayed',
    run: async ({ http, good }) => {
      const { message } = new ChannelInitiator(sodiumSuite, good);
      const sockets = await Promise.all(Array.from({ length: 40 }, () => within(upgrade(http))));
      for (const socket of sockets) socket?.on('error', () => {}).write(message);
      await Promise.all(sockets.map((socket) => socket && within(nextFrame(socket), 300)));
      for (const socket of sockets) socket?.destroy();
    },
  },
  {
    name: 'upgrades without a further byte',
    run: async ({ http, random }) => {
      const sockets = Array.from({ length: 100 }, () => dial(http));
      const cut = random(3) === 0 ? 20 : 0;
      for (const socket of sockets)
        socket.write(get('/channel', CHANNEL).slice(0, cut === 0 ? undefined : cut));
      const first = sockets[0];
      if (first !== undefined) await within(once(first, 'data'), 300);
      for (const socket of sockets) socket.destroy();
    },
  },
  {
    name: 'forged answers and cancellations from a device',
    run: async ({ socket, random }) => {
      const topic = ['_reply.backend.x', '_cancel.ask', '_durable.publish'][random(3)] ?? '_x';
      const { status } = await localRequest(socket, '/api/v1/bus/messages', {
        method: 'POST',
        body: { topic, message: 1 },
      });
      if (status !== 403) throw new AttackSucceeded(`a message on ${topic} was answered with ${status}`);
    },
  },
  {
    name: 'streams that are followed and not read',
    run: async (target) => {
      const paths = ['events?topic=hostile.*', 'logs/stream'];
      const readers = paths.map(() => dial(target.socket).pause());
      for (const [index, reader] of readers.entries()) reader.write(get(`/api/v1/${paths[index]}`));
      for (let n = 0; n < 20; n += 1)
        await localRequest(target.socket, '/api/v1/bus/messages', {
          method: 'POST',
          body: { topic: 'hostile.flood', message: 'x'.repeat(20_000) },
        });
      for (const reader of readers) reader.destroy();
    },
  },
  {
    name: 'uploads that are not read and do not end',
    run: async (target) => {
      // Each has a window of 256 KiB, together more than the limit of the channels of one device.
      const channels = await Promise.all([1, 2, 3, 4, 5].map(() => channelOf(target)));
      const cut = Promise.any(channels.map(closed));
      const body = Buffer.alloc(400_000, 0x20);
      let followed = 0;
      for (const channel of channels) {
        const multiplexer = Multiplexer.open(channel);
        for (let n = 0; n < 48; n += 1) {
          const stream = multiplexer.stream().on('error', () => {});
          stream.once('data', (head: Buffer) => {
            if (head.toString('latin1').startsWith('HTTP/1.1 200')) followed += 1;
          });
          const asked = n % 8 === 0 ? 'POST /api/v1/bus/messages' : 'GET /api/v1/logs/stream';
          stream.write(
            `${asked} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 60000000\r\n\r\n`,
          );
          stream.write(body);
        }
      }
      const wasCut = (await within(cut, 2_000)) === true;
      for (const channel of channels) channel.destroy();
      // A device may follow 32 streams concurrently. The bytes sent to these alone are below its limit, so no channel is cut.
      if (!wasCut && followed > 32)
        throw new AttackSucceeded(`no channel was cut, and ${followed} streams hold bodies`);
    },
  },
  {
    name: 'requests pipelined without end, with bodies that are not read',
    run: async (target) => {
      const multiplexer = Multiplexer.open(await channelOf(target));
      const head = 'GET /api/v1/logs/stream HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n';
      const requests = 40;
      const many = Buffer.from(`${head}${' '.repeat(60_000)}`.repeat(requests), 'latin1');
      const stream = multiplexer.stream().on('error', () => {});
      let answer = '';
      const allAnswered = new Promise<true>((resolve) => {
        stream.on('data', (chunk: Buffer) => {
          answer += chunk.toString('latin1');
          if (answer.split('HTTP/1.1 ').length > requests) resolve(true);
        });
      });
      const allTaken = new Promise<true>((resolve) => stream.write(many, (error) => error ?? resolve(true)));
      // A request that follows the log has an endless answer, so that later requests are cut or held back. All of them are read
      // only if each is refused at once, because the device already follows the maximum number of streams.
      const succeeded = (await within(allTaken)) === true && (await within(allAnswered)) !== true;
      multiplexer.carrier.destroy();
      if (succeeded) throw new AttackSucceeded(`all requests were read: ${answer.slice(0, 200)}`);
    },
  },
  {
    name: 'answers that are not read',
    run: async (target) => {
      const channels = await Promise.all([1, 2, 3].map(() => channelOf(target)));
      for (const channel of channels) {
        const multiplexer = Multiplexer.open(channel);
        for (let n = 0; n < 12; n += 1)
          multiplexer
            .stream()
            .on('error', () => {})
            .write(get('/api/v1/openapi').repeat(8));
      }
      await within(Promise.any(channels.map(closed)), 1_000);
      for (const channel of channels) channel.destroy();
    },
  },
];
