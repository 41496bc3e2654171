/** A process of P4, P20 and P22: publisher, broker or subscriber. It receives orders from the benchmark over a pipe. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { InProcessBus, MessageBusClient } from '@aico/shared/core/bus';
import { type BusCredential, curveKeyPair, ZeroMqTransport } from '@aico/shared/core/bus/zeromq';
import { connect as connectNats, type NatsConnection } from '@nats-io/transport-node';
import { Proxy as MessageProxy, Publisher, Subscriber, XPublisher, XSubscriber } from 'zeromq';
import { Broker } from '../packages/backend/src/bus/broker/broker.ts';
import { natsCarrier } from '../packages/backend/src/bus/nodes/nats-carrier.ts';
import { readNatsServers } from '../packages/backend/src/bus/nodes/nats-servers.ts';
import { NodeBus } from '../packages/backend/src/bus/nodes/node-bus.ts';
import { selfSigned } from '../packages/backend/test/fixtures/self-signed.ts';

export type Side = 'broker' | 'bare' | 'nats' | 'nodes';
export type Role = 'middle' | 'publisher' | 'subscriber';

export type Order =
  | { readonly name: 'expect'; readonly total: number }
  /** `window`: the maximum number of batches in flight. */
  | { readonly name: 'saturate'; readonly total: number; readonly window: number }
  | { readonly name: 'one' }
  | { readonly name: 'finish' };

export interface Answer {
  /** The addresses and keys by which the other processes reach the broker or proxy. */
  readonly place?: unknown;
  readonly received?: number;
  readonly seconds?: number;
  readonly microseconds?: number;
}

interface BarePlace {
  readonly serverKey: string;
  readonly front: string;
  readonly back: string;
}

type BrokerPlace = Readonly<Record<'publisher' | 'subscriber', BusCredential>>;

const BYTES = 200;
const TOPIC = 'bench.messages';

/** The number of publishes that are awaited together. */
const BATCH = 512;

/** Milliseconds without a message after which the remaining messages of the bare side count as lost. */
const QUIET_MS = 300;

const [side, role, given] = process.argv.slice(2) as [Side, Role, string];

/** Counts the received messages. Their first eight bytes are the time of the publish, or 0 while saturated. */
class Counter {
  #total = 0;
  #received = 0;
  #first = 0n;
  #last = 0n;

  take(message: Uint8Array): void {
    const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
    const published = bytes.readBigUInt64BE();
    if (published > 0n) {
      const nanoseconds = Number(process.hrtime.bigint() - published);
      answer({ microseconds: nanoseconds / 1_000 });
      return;
    }
    this.#received += 1;
    if (this.#received === 1) this.#first = process.hrtime.bigint();
    // Reading the clock costs more than counting, so it is read only for some messages, and for the last.
    if (this.#received % 64 === 0 || this.#received >= this.#total) this.#last = process.hrtime.bigint();
  }

  expect(total: number): void {
    this.#total = total;
    this.#received = 0;
    answer({});
  }

  async finish(): Promise<void> {
    for (let seen = -1; seen !== this.#received && this.#received < this.#total; ) {
      seen = this.#received;
      await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
    }
    answer({ received: this.#received, seconds: Number(this.#last - this.#first) / 1e9 });
  }
}

function answer(content: Answer): void {
  process.send?.(content);
}

function onOrders(handlers: Partial<Record<Order['name'], (order: Order) => void>>): void {
  process.on('message', (order: Order) => handlers[order.name]?.(order));
}

/** Makes a new message for each publish, as a program would. */
function message(published: bigint): Buffer {
  const bytes = Buffer.alloc(BYTES, 7);
  bytes.writeBigUInt64BE(published);
  return bytes;
}

/** Publishes on order. `publish` resolves when a message was accepted; where a library cannot tell, `flush` resolves for all so far. */
async function publishWith(
  publish: (bytes: Buffer) => Promise<void> | undefined,
  { isAwaitedOneByOne = false, flush = undefined as (() => Promise<void>) | undefined } = {},
) {
  const saturate = async (total: number, window: number): Promise<void> => {
    const batches: Promise<unknown>[] = [];
    for (let sent = 0; sent < total; sent += BATCH) {
      const batch: (Promise<void> | undefined)[] = [];
      for (let n = 0; n < Math.min(BATCH, total - sent); n += 1) {
        const done = publish(message(0n));
        if (isAwaitedOneByOne) await done;
        else if (done !== batch.at(-1)) batch.push(done);
      }
      batches.push(flush?.() ?? Promise.all(batch));
      if (batches.length >= window) await batches.shift();
      await nextTurn();
    }
    await Promise.all(batches);
    answer({});
  };
  onOrders({
    one: () => void publish(message(process.hrtime.bigint())),
    saturate: (order) => {
      if (order.name === 'saturate') void saturate(order.total, order.window);
    },
  });
  answer({});
}

async function bareMiddle(): Promise<void> {
  const { publicKey, secretKey } = curveKeyPair();
  const security = { curveServer: true, curveSecretKey: secretKey };
  const front = new XSubscriber(security);
  const back = new XPublisher(security);
  await front.bind('tcp://127.0.0.1:*');
  await back.bind('tcp://127.0.0.1:*');
  answer({ place: { serverKey: publicKey, front: front.lastEndpoint, back: back.lastEndpoint } });
  await new MessageProxy(front, back).run();
}

async function bareEnd(place: BarePlace): Promise<void> {
  const { publicKey, secretKey } = curveKeyPair();
  const security = {
    curveServerKey: place.serverKey,
    curvePublicKey: publicKey,
    curveSecretKey: secretKey,
  };
  if (role === 'publisher') {
    const socket = new Publisher(security);
    socket.connect(place.front);
    // PUB drops messages until it has received the subscription, and offers no other way to find out.
    await new Promise((resolve) => setTimeout(resolve, 500));
    await publishWith((bytes) => socket.send([TOPIC, bytes]), { isAwaitedOneByOne: true });
    return;
  }
  const socket = new Subscriber(security);
  socket.connect(place.back);
  socket.subscribe(TOPIC);
  const counter = new Counter();
  takeOrders(counter);
  answer({});
  for await (const [, body] of socket) if (body !== undefined) counter.take(body);
}

function takeOrders(counter: Counter): void {
  onOrders({
    expect: (order) => counter.expect(order.name === 'expect' ? order.total : 0),
    finish: () => void counter.finish(),
  });
}

async function brokerMiddle(): Promise<void> {
  const keys = curveKeyPair();
  const components = (['publisher', 'subscriber'] as const).map((component) => ({
    component,
    ...curveKeyPair(),
    publish: component === 'publisher' ? ['bench.*'] : [],
    subscribe: component === 'subscriber' ? ['bench.*'] : [],
  }));
  const broker = new Broker({ keys, endpoints: ['tcp://127.0.0.1:*'], grants: () => components });
  await broker.start();
  const place = Object.fromEntries(
    components.map(({ component, publicKey, secretKey, publish, subscribe }) => [
      component,
      {
        format: 'aico-bus-credential',
        version: 1,
        component,
        endpoints: [...broker.endpoints],
        broker: keys.publicKey,
        public_key: publicKey,
        secret_key: secretKey,
        publish,
        subscribe,
      },
    ]),
  );
  answer({ place });
}

async function busEnd(client: MessageBusClient, who: 'publisher' | 'subscriber'): Promise<void> {
  await client.connect();
  if (who === 'publisher') {
    await publishWith((bytes) => client.publish(TOPIC, bytes));
    return;
  }
  const counter = new Counter();
  takeOrders(counter);
  await client.subscribe('bench.*', (_topic, body) => counter.take(body as Uint8Array), {
    overflow: 'wait',
    waitMs: 30_000,
  });
  answer({});
}

async function brokerEnd(place: BrokerPlace, who: 'publisher' | 'subscriber'): Promise<void> {
  const transport = new ZeroMqTransport({ credential: place[who], timeoutMs: 30_000 });
  const client = new MessageBusClient({ source: who, transport });
  await busEnd(client, who);
}

const AUTHORIZATION = `authorization { users: [
  { user: publisher, password: publisher, permissions: { publish: ["bench.*"], subscribe: { deny: [">"] } } }
  { user: subscriber, password: subscriber, permissions: { publish: { deny: [">"] }, subscribe: ["bench.*"] } }
] }
`;

interface NatsPlace {
  readonly port: number;
  readonly certificate: string;
}

/** NATS core over TLS; `isRestricted`: with a user and rights for each side. */
async function natsMiddle(isRestricted: boolean): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'aico-nats-'));
  const [key = '', certificate = ''] = selfSigned(folder);
  const config = path.join(folder, 'nats.conf');
  writeFileSync(
    config,
    `listen: "127.0.0.1:-1"
tls { cert_file: "${certificate}", key_file: "${key}" }
${isRestricted ? AUTHORIZATION : ''}`,
  );
  const server = spawn('nats-server', ['-c', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  process.once('SIGTERM', () => {
    server.kill('SIGKILL');
    rmSync(folder, { recursive: true });
    process.exit();
  });
  for await (const line of createInterface({ input: server.stderr })) {
    const [, port] = /Listening for client connections on \S+:(\d+)/.exec(line) ?? [];
    if (port !== undefined) answer({ place: { port: Number(port), certificate } satisfies NatsPlace });
  }
}

/** A node of a home on each side of the same server as in {@link natsMiddle}; P20 compares both with TLS alone. */
async function nodesEnd({ port, certificate }: NatsPlace, who: 'publisher' | 'subscriber'): Promise<void> {
  const servers = readNatsServers({ url: `tls://localhost:${port}`, tls: { ca_file: certificate } });
  if (servers === undefined) throw new Error('no server is set');
  const hub = new InProcessBus();
  const node = new NodeBus({
    identity: {
      home: '00112233445566aa',
      node: (who === 'publisher' ? '1' : '2').padStart(16, '0'),
      key: Buffer.alloc(32, 7),
    },
    hub,
    open: natsCarrier(servers, 2_000),
    heartbeatMs: 2_000,
    queueBytes: 8_388_608,
    messageBytes: 1_048_576,
  });
  await node.start();
  const client = new MessageBusClient({ source: who, transport: hub });
  await busEnd(client, who);
}

async function natsEnd({ port, certificate }: NatsPlace, who: 'publisher' | 'subscriber'): Promise<void> {
  const client: NatsConnection = await connectNats({
    servers: `tls://localhost:${port}`,
    user: who,
    pass: who,
    tls: { caFile: certificate },
  });
  if (who === 'publisher') {
    const publish = (bytes: Buffer): undefined => {
      client.publish(TOPIC, bytes);
    };
    await publishWith(publish, { flush: () => client.flush() });
    return;
  }
  const counter = new Counter();
  takeOrders(counter);
  client.subscribe('bench.*', {
    callback: (error, message) => {
      if (error !== null) throw error;
      counter.take(message.data);
    },
  });
  await client.flush();
  answer({});
  await once(process, 'disconnect');
}

const place: unknown = JSON.parse(given);
if (role === 'middle')
  await {
    bare: bareMiddle,
    broker: brokerMiddle,
    nats: () => natsMiddle(given === '{"isRestricted":true}'),
    nodes: () => natsMiddle(false),
  }[side]();
else if (side === 'nats') await natsEnd(place as NatsPlace, role);
else if (side === 'nodes') await nodesEnd(place as NatsPlace, role);
else if (side === 'bare') await bareEnd(place as BarePlace);
else await brokerEnd(place as BrokerPlace, role);
