/**
 * R8: hostile frames on the port of the bus: bytes that are not ZeroMQ, peers without a granted key, and an authenticated component
 * that sends frames that are truncated, altered, of unknown types, out of order or too large, messages nested thousands of levels
 * deep, bodies and headers that do not match their type, and endless requests. A plugin behind the broker receives the messages as
 * well. After every thousand frames a correct client must be served, and in the end the memory of the broker must not have grown.
 *
 * Growth is reported since the start of the broker (`totalGrowthBytes`) and since the first 100,000 frames (`growthBytes`, which is
 * compared with the limit). The difference consists of one-time allocations, such as compiled code and memory that malloc keeps.
 * The broker runs with a small young generation of V8. At its default size, it takes up to 3 x 16 MiB at an unpredictable time,
 * often late in a run, which looks like a leak: a run of 1,000,000 frames then grows by 25 to 50 MB.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { MessageBusClient } from '@aico/shared/core/bus';
import { bye, FrameType, subscribe, writeAck } from '@aico/shared/core/bus/frames';
import { type BusCredential, curveKeyPair, ZeroMqTransport } from '@aico/shared/core/bus/zeromq';
import { RawPeer } from '../packages/backend/test/fixtures/raw-peer.ts';
import type { BrokerSetup } from './broker-process.ts';
import type { Campaign } from './campaign.ts';

const FULL_COUNT = 1_000_000;
const BATCH = 1_000;
const MAX_GROWTH = 20 * 1_048_576;

/** Milliseconds within which the correct client must be served. */
const SERVED_MS = 5_000;

type Random = () => number;

/** The number of frames after which the memory counts as settled. */
const WARM_UP = 100_000;

interface Memory {
  readonly rss: number;
  readonly heapUsed: number;
  readonly external: number;
  readonly malformed: number;
  readonly sessions: number;
}

export const campaign: Campaign = async ({ count = FULL_COUNT, seed, report }) => {
  const random = randomFrom(seed);
  const keys = curveKeyPair();
  const pairs = { good: curveKeyPair(), mallory: curveKeyPair() };
  const grants = [
    { component: 'good', publicKey: pairs.good.publicKey, publish: ['good.*'], subscribe: ['good.*'] },
    {
      component: 'mallory',
      publicKey: pairs.mallory.publicKey,
      publish: ['mallory.*'],
      subscribe: ['mallory.>'],
    },
  ];
  const child = fork(fileURLToPath(new URL('./broker-process.ts', import.meta.url)), {
    execArgv: ['--expose-gc', '--max-semi-space-size=1'],
  });
  child.once('exit', (code) => report(`the broker ended with ${String(code)}`));
  let good: MessageBusClient | undefined;
  try {
    const { endpoint } = (await ask(child, { keys, grants } satisfies BrokerSetup)) as { endpoint: string };
    good = await goodClient(endpoint, keys.publicKey, pairs.good);
    const echoes = await echo(good);
    let unserved = 0;
    let sent = 0;
    const fresh = (await ask(child, 'memory')) as Memory;
    let before: Memory | undefined;
    for (let batch = 0; sent < count; batch += 1) {
      await hostileBatch(batch, { endpoint, serverKey: keys.publicKey, keys: pairs.mallory, random });
      sent += BATCH;
      if (!(await echoes.within(SERVED_MS))) {
        unserved += 1;
        report(`the correct client was not served after ${sent} frames`);
      }
      if (before === undefined && sent >= Math.min(count / 4, WARM_UP))
        before = (await ask(child, 'memory')) as Memory;
      if (sent % 100_000 === 0)
        report(`after ${sent} frames: ${shown((await ask(child, 'memory')) as Memory)}`);
    }
    const after = (await ask(child, 'memory')) as Memory;
    const growth = after.rss - (before ?? fresh).rss;
    if (growth > MAX_GROWTH) report(`the broker has grown by ${growth} bytes`);
    const failures = unserved + (growth > MAX_GROWTH ? 1 : 0);
    return {
      runs: sent,
      failures,
      ok: failures === 0,
      growthBytes: growth,
      totalGrowthBytes: after.rss - fresh.rss,
      heapGrowthBytes: after.heapUsed - (before ?? fresh).heapUsed,
      malformedSeen: after.malformed,
    };
  } finally {
    await good?.close();
    child.removeAllListeners('exit');
    child.kill('SIGKILL');
  }
};

function shown({ rss, heapUsed, external }: Memory): string {
  const mib = (bytes: number): string => (bytes / 1_048_576).toFixed(1);
  return `${mib(rss)} MiB resident, ${mib(heapUsed)} of objects, ${mib(external)} outside the heap`;
}

async function ask(child: ChildProcess, message: BrokerSetup | 'memory'): Promise<unknown> {
  if (child.exitCode !== null) throw new Error('the broker has ended');
  child.send(message);
  const [answer] = await once(child, 'message');
  return answer;
}

async function goodClient(
  endpoint: string,
  broker: string,
  { publicKey, secretKey }: { publicKey: string; secretKey: string },
): Promise<MessageBusClient> {
  const credential: BusCredential = {
    format: 'aico-bus-credential',
    version: 1,
    component: 'good',
    endpoints: [endpoint],
    broker,
    public_key: publicKey,
    secret_key: secretKey,
    publish: [],
    subscribe: [],
  };
  const client = new MessageBusClient({ source: 'good', transport: new ZeroMqTransport({ credential }) });
  await client.connect();
  return client;
}

/** The correct client sends messages to itself through the broker. */
async function echo(good: MessageBusClient) {
  let heard: (() => void) | undefined;
  let number = 0;
  await good.subscribe('good.*', (_topic, message) => {
    if (message === number) heard?.();
  });
  return {
    async within(milliseconds: number): Promise<boolean> {
      number += 1;
      const served = new Promise<true>((resolve) => (heard = () => resolve(true)));
      const late = Promise.withResolvers<false>();
      const timer = setTimeout(() => late.resolve(false), milliseconds);
      good.publish('good.echo', number).catch(() => late.resolve(false));
      const outcome = await Promise.race([served, late.promise]);
      clearTimeout(timer);
      return outcome;
    },
  };
}

interface Target {
  readonly endpoint: string;
  readonly serverKey: string;
  readonly keys: { readonly publicKey: string; readonly secretKey: string };
  readonly random: Random;
}

async function hostileBatch(batch: number, { endpoint, serverKey, keys, random }: Target): Promise<void> {
  if (batch % 20 === 5) await noise(endpoint, random);
  const stranger = batch % 10 === 3;
  const peer = new RawPeer({ endpoint, serverKey, keys: stranger ? curveKeyPair() : keys });
  // Two of three peers are authenticated, so that their frames get further.
  if (!stranger && batch % 3 !== 0) {
    await peer.join('mallory', keys.secretKey, serverKey);
    for (let id = 1; id <= 20; id += 1)
      await peer.send(
        subscribe.write(FrameType.SUBSCRIBE, { id, pattern: 'mallory.>', limit: 1_024, overflow: 'wait' }),
      );
    // Valid frames, whose deliveries are never confirmed, fill the queues.
    for (let n = 0; n < BATCH / 4; n += 1) await peer.send(hostileMessage(peer, random));
  }
  for (let n = 0; n < BATCH; n += 1) await peer.send(hostileFrame(peer, random));
  // The answer follows all frames that were sent before; closing immediately would discard them.
  await peer.send(Buffer.of(FrameType.PING));
  for (;;) {
    const answer = await peer.next([FrameType.PONG, FrameType.BYE], stranger ? 50 : 2_000);
    if (answer === undefined || answer[0] === FrameType.PONG || bye.read(answer)?.code === 'UNKNOWN') break;
  }
  peer.close();
}

/** A message in a valid frame, so that the broker inspects it and the plugins decode it. */
function hostileMessage(peer: RawPeer, random: Random): Buffer {
  const head = { topic: 'mallory.x', source: 'mallory' };
  const packed = { ...head, contentType: 'application/msgpack' };
  const levels = [64, 65, 1_000, 2_500][Math.floor(random() * 4)] ?? 65;
  const reply = peer.welcomed?.reply ?? '_reply.mallory';
  const secret = Math.floor(random() * 2 ** 32).toString(16);
  switch (Math.floor(random() * 10)) {
    case 0:
      return peer.publishFrame(head, '['.repeat(levels) + ']'.repeat(levels));
    case 1:
      return peer.publishFrame(head, `${'{"a":'.repeat(levels)}0${'}'.repeat(levels)}`);
    case 2:
      return peer.publishFrame(packed, Buffer.alloc(levels + 1, 0x91).fill(0xc0, levels));
    case 3:
      return peer.publishFrame(packed, Buffer.of(0x92, 0xa2, 0xc3, 0x28, 0xc0));
    case 4:
      return peer.publishFrame(head, Buffer.of(0x22, 0xc3, 0x28, 0x22));
    case 5:
      return peer.publishFrame({ ...head, source: 'mallory/\u001b[2J', idPrefix: '\n' });
    case 6:
      return peer.publishFrame({ topic: `_reply.good.0000000000000000.${secret}`, source: 'mallory' });
    case 7:
      return peer.publishFrame({ ...head, topic: '_cancel.mallory.x', replyto: `${reply}.${secret}` });
    case 8:
      return peer.publishFrame({ ...head, replyto: `${reply}.${secret}`, timeLeftMs: 2 ** 31 - 1 });
    default:
      return peer.publishFrame(head);
  }
}

function hostileFrame(peer: RawPeer, random: Random): Buffer {
  const kind = random();
  const bytes = (length: number): Buffer =>
    Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)));
  if (kind < 0.15) return bytes(Math.floor(random() * 64));
  if (kind < 0.2) return Buffer.alloc(0);
  if (kind < 0.3)
    return Buffer.concat([Buffer.of(pick(random)), Buffer.from('{"id":1,"versions":[1],"component":"x"')]);
  if (kind < 0.35) return Buffer.concat([Buffer.of(pick(random)), Buffer.from('['.repeat(2_000))]);
  if (kind < 0.4) return writeAck([Math.floor(random() * 2 ** 32)]);
  if (kind < 0.401) return Buffer.alloc(300_000, FrameType.PUBLISH);
  if (kind < 0.4012) return Buffer.alloc(2_000_000, FrameType.PUBLISH);
  const frame = peer.publishFrame({
    topic: random() < 0.5 ? 'mallory.x' : 'm..*.'.repeat(1 + Math.floor(random() * 20)),
    source: random() < 0.8 ? 'mallory' : 'good',
  });
  if (kind < 0.6) return frame.subarray(0, Math.floor(random() * frame.length));
  for (let n = 0; n < 3; n += 1) frame[Math.floor(random() * frame.length)] = Math.floor(random() * 256);
  return frame;
}

/** The types except PING, whose answer is used to detect that all earlier frames have arrived. */
const TYPES = Object.values(FrameType).filter((type) => type !== FrameType.PING);

function pick(random: Random): number {
  return TYPES[Math.floor(random() * TYPES.length)] ?? 0;
}

/** Sends bytes that are not ZeroMQ on new connections. */
async function noise(endpoint: string, random: Random): Promise<void> {
  const { hostname, port } = new URL(endpoint.replace('tcp:', 'http:'));
  const sockets = Array.from({ length: 10 }, () => connect(Number(port), hostname));
  await Promise.all(
    sockets.map(async (socket) => {
      socket.on('error', () => {});
      socket.write(Buffer.from(Array.from({ length: 500 }, () => Math.floor(random() * 256))));
      socket.end();
      await once(socket, 'close').catch(() => {});
    }),
  );
}

/** Mulberry32, so that a seed repeats the run. */
function randomFrom(seed: number): Random {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
