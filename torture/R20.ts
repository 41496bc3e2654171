/**
 * R20: a man in the middle flips, cuts, delays, repeats, reorders and injects bytes between both clients and the backend. Every
 * promise and every body of a client settles within a time limit, no client gets a wrong byte or an incomplete body as complete, no
 * upload continues to be read, and afterwards the backend serves a correct client and has no open channel.
 */

import { createTestBackend, localRequest, type TestBackend } from '@aico/backend/testing';
import { connect, pair } from '@aico/client';
import { connect as connectBrowser, pair as pairBrowser } from '@aico/client/browser';
import { pairedWith, serveWays } from '../packages/client/test/fixtures/paired.ts';
import type { Campaign } from './campaign.ts';
import { randomFrom } from './channel-world.ts';
import { someWork, WrongBytes } from './fixtures/meddled-work.ts';
import { HARMLESS, MEDDLING_KINDS, Meddler, type Meddling } from './fixtures/meddler.ts';

const FULL_COUNT = 1_000;
const AT_ONCE = 6;
/** Milliseconds: the timeout of the clients, and the time that they may take on a busy machine. */
const [SILENCE_MS, CONNECT_MS, BOUND_MS] = [200, 1_500, 10_000];
/** Bytes of the opening of a channel in each direction; the records of the channel follow. */
const OPENING_BYTES = 1_500;

const CLIENTS = { node: { connect, pair }, browser: { connect: connectBrowser, pair: pairBrowser } } as const;
type Kind = keyof typeof CLIENTS;
type Random = (below: number) => number;
/** A description of the fault; `undefined` if there is none. */
type Fault = string | undefined;

interface World {
  readonly backend: TestBackend;
  readonly credentials: Awaited<ReturnType<typeof pairedWith>>;
  /** Uploads whose source is still being read. */
  readonly uploads: Set<object>;
}

/** `pending` if the promise has not settled in time; `wrong` if it rejected because of wrong bytes. */
async function outcomeOf(
  promise: Promise<unknown>,
  ms = BOUND_MS,
): Promise<'ok' | 'failed' | 'pending' | WrongBytes> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'pending'>((resolve) => {
    timer = setTimeout(() => resolve('pending'), ms);
  });
  const settled = promise.then(
    () => 'ok' as const,
    (error: unknown) => (error instanceof WrongBytes ? error : ('failed' as const)),
  );
  const outcome = await Promise.race([settled, late]);
  clearTimeout(timer);
  return outcome;
}

function meddlingFrom(random: Random, kind: Kind, { credentials }: World): Meddling {
  const frames = [
    Buffer.concat([Buffer.of(0, 32), Buffer.from(credentials.serverKey, 'hex')]),
    Buffer.of(0, 2, 0, 1),
    Buffer.concat([Buffer.of(0, 80), Buffer.alloc(80, random(256))]),
    Buffer.alloc(1 + random(90), random(256)),
  ];
  const frame = frames[random(frames.length)] ?? Buffer.of(0);
  const direction = random(3) === 0 ? 'up' : 'down';
  const inWebSocket = kind === 'browser' && direction === 'down' && random(4) > 0;
  return {
    direction,
    kind: MEDDLING_KINDS[random(MEDDLING_KINDS.length)] ?? 'cut',
    at:
      [random(OPENING_BYTES), OPENING_BYTES + random(3_000), OPENING_BYTES + random(400_000)][random(3)] ?? 0,
    size: 1 + random(300),
    injected: inWebSocket ? Buffer.concat([Buffer.of(0x82, frame.byteLength), frame]) : frame,
  };
}

/** Runs the exchanges of a client behind a man in the middle. */
async function atWork(world: World, kind: Kind, random: Random): Promise<Fault> {
  const meddling = meddlingFrom(random, kind, world);
  const breaks = !HARMLESS.has(meddling.kind) && meddling.at >= OPENING_BYTES;
  await using meddler = new Meddler(world.backend.http, meddling, breaks);
  const address = await meddler.listen();
  const where = `${kind}, ${meddling.kind} ${meddling.direction} at ${meddling.at}`;
  const options = {
    address,
    credentials: world.credentials,
    silenceMs: SILENCE_MS,
    connectTimeoutMs: CONNECT_MS,
  };
  const connecting = CLIENTS[kind].connect(options);
  const connected = await outcomeOf(connecting);
  if (connected === 'pending') return `${where}: connect is pending`;
  if (connected !== 'ok') return undefined;
  const client = await connecting;
  const works = someWork(random, world.uploads).map(({ name, ends, doIt }) => ({
    name,
    ends,
    done: doIt(client),
  }));
  // The rejections are handled below.
  for (const { done } of works) done.catch(() => {});
  const faults: string[] = [];
  const look = async (which: readonly (typeof works)[number][], when: string): Promise<void> => {
    await Promise.all(
      which.map(async ({ name, done }) => {
        const outcome = await outcomeOf(done);
        if (outcome === 'pending') faults.push(`${name} is pending ${when}`);
        else if (outcome instanceof WrongBytes) faults.push(`${name}: ${outcome.message}`);
      }),
    );
  };
  await look(
    works.filter(({ ends }) => ends),
    'though it ends by itself',
  );
  if (breaks && meddler.hasMeddled) await look(works, 'though its channel is broken');
  const closed = await outcomeOf(client.close());
  if (closed !== 'ok') faults.push(`close: ${closed}`);
  await look(works, 'though the client is closed');
  return faults.length === 0 ? undefined : `${where}: ${faults.join('; ')}`;
}

/** Pairs behind a man in the middle. If the pairing succeeds, the backend must know the device. */
async function pairing(world: World, kind: Kind, random: Random): Promise<Fault> {
  const { backend } = world;
  const issued = await localRequest(backend.socket, '/api/v1/devices/pairings', { method: 'POST', body: {} });
  const { code } = issued.json() as { readonly code: string };
  const meddling = { ...meddlingFrom(random, kind, world), at: random(2_500) };
  await using meddler = new Meddler(backend.http, meddling, false);
  const address = await meddler.listen();
  const where = `${kind} pairs, ${meddling.kind} ${meddling.direction} at ${meddling.at}`;
  const pairs = CLIENTS[kind].pair({ address, code, name: 'meddled', connectTimeoutMs: CONNECT_MS });
  const outcome = await outcomeOf(pairs);
  if (outcome === 'pending') return `${where}: pending`;
  if (outcome !== 'ok') return undefined;
  const credentials = await pairs;
  try {
    await (await connect({ address: backend.http, credentials })).close();
  } catch (error) {
    return `${where}: paired, and not known: ${String(error)}`;
  }
  const { device } = credentials;
  const gone = await localRequest(backend.socket, `/api/v1/devices/${device}`, { method: 'DELETE' });
  return gone.status === 204 ? undefined : `${where}: not revoked`;
}

/** Checks the state of the backend after all runs. */
async function serveCorrectly({ backend, credentials, uploads }: World): Promise<Fault> {
  const client = await connect({ address: backend.http, credentials });
  const reply = await client.json('/api/v1/ways/query?n=honest');
  await client.close();
  const open = (): unknown => backend.container.getService('channel').healthCheck().data?.channels;
  const until = performance.now() + BOUND_MS;
  while ((open() !== 0 || uploads.size > 0) && performance.now() < until)
    await new Promise((resolve) => setTimeout(resolve, 20));
  if (open() !== 0 || uploads.size > 0)
    return `${open()} channels are left, and ${uploads.size} uploads are still read`;
  return JSON.stringify(reply) === '{"n":"honest"}'
    ? undefined
    : `a correct client got ${JSON.stringify(reply)}`;
}

export const campaign: Campaign = async ({ count = FULL_COUNT, seed, report }) => {
  const backend = await createTestBackend({
    config: {
      'core.channel.handshake_burst': 1_000_000,
      'core.channel.handshake_ms': 2_000,
      'core.channel.max_channels_per_device': 256,
      'core.channel.max_unproven_per_source': 256,
    },
  });
  try {
    await serveWays(backend);
    const world: World = { backend, credentials: await pairedWith(backend), uploads: new Set() };
    let failures = 0;
    let done = 0;
    const fail = (run: number | string, fault: Fault): void => {
      if (fault === undefined) return;
      failures += 1;
      report(`run ${run}: ${fault}`);
    };
    const runs = Array(count).keys();
    const worker = async (): Promise<void> => {
      for (const run of runs) {
        const random = randomFrom(seed + run);
        const kind = run % 2 === 0 ? 'node' : 'browser';
        fail(run, await (run % 8 < 6 ? atWork : pairing)(world, kind, random));
        done += 1;
        if (done % 200 === 0) report(`${done} runs, ${failures} failures`);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    fail('the last', await serveCorrectly(world));
    return { runs: count, failures, ok: failures === 0 };
  } finally {
    await backend.stop();
  }
};
