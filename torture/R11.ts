/**
 * R11: `SIGTERM` to the whole `aico start` in every phase: while it starts, at rest, and under load through channels with
 * work in flight that has to be finished and answered; with a handler that hangs; and a second signal. Not ready comes
 * first, what was begun is answered, what was answered is done, nothing is done without an answer, and it is out in time.
 */

import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { localRequest } from '@aico/backend/testing';
import type { DeviceCredentials } from '@aico/protocol/channel';
import { openChannel, pair, upgrade } from '../packages/backend/test/fixtures/channel.ts';
import { type Answer, ChannelAgent, post } from '../packages/backend/test/fixtures/channel-agent.ts';
import type { Campaign } from './campaign.ts';
import { AICO, Child, type Ended } from './fixtures/child.ts';
import { openHome } from './fixtures/home.ts';
import { STREAM } from './fixtures/labourer.ts';
import { below, type Random, randomFrom } from './fixtures/random.ts';

const FULL_COUNT = 60;
const PLUGIN = fileURLToPath(new URL('./fixtures/labourer.ts', import.meta.url));
const PLACE = '/api/v1/labourer';
/** Clients that send one small piece of work after the other. */
const BUSY = 6;
const BUDGET_MS = 10_000;
/** Where something hangs, the stop takes its whole budget. */
const HANG_BUDGET_MS = 4_000;
/** How much later than the budget is still in time, on a machine that has other things to do. */
const GRACE_MS = 3_000;
/** A start takes about so long; the signal falls anywhere within it. */
const START_MS = 1_200;

const KINDS = ['at rest', 'under load', 'something hangs', 'a second signal', 'while it starts'] as const;
type Kind = (typeof KINDS)[number];

interface Ready {
  readonly socket: string;
  readonly http: string;
}

class Life {
  readonly child: Child;
  readonly #ready = Promise.withResolvers<Ready>();
  readonly mayEnd: string;

  constructor(home: string, run: number, budgetMs: number) {
    this.mayEnd = path.join(home, `may-end-${run}`);
    this.child = new Child(AICO, ['start', '--json'], {
      timeoutMs: 120_000,
      env: {
        AICO_HOME: home,
        AICO_CORE__API_GATEWAY__REST__PORT: '0',
        AICO_CORE__LIFECYCLE__STOP_BUDGET_MS: String(budgetMs),
        AICO_CORE__CHANNEL__HANDSHAKE_BURST: '1000',
        AICO_PLUGINS__LABOURER__MODULE: PLUGIN,
        LABOUR_MAY_END: this.mayEnd,
      },
      onLine: (line) => {
        if (line.includes('"socket"')) this.#ready.resolve(JSON.parse(line) as Ready);
      },
    });
    this.#ready.promise.catch(() => undefined);
    void this.child.ended.then(() => this.#ready.reject(new Error(`it ended: ${this.child.stderr}`)));
  }

  get ready(): Promise<Ready> {
    return this.#ready.promise;
  }
}

interface Context {
  readonly home: string;
  readonly run: number;
  readonly random: Random;
  readonly credentials: DeviceCredentials | undefined;
  readonly wrong: (what: string) => void;
}

/** The requests sent in one life of the backend, and the answers. */
class Load {
  readonly acknowledged = new Set<string>();
  readonly sent = new Set<string>();
  readonly #agents: ChannelAgent[] = [];
  readonly #lingering: Duplex[] = [];
  readonly #ready: Ready;
  readonly #credentials: DeviceCredentials;
  readonly #run: number;

  constructor(ready: Ready, credentials: DeviceCredentials, run: number) {
    this.#ready = ready;
    this.#credentials = credentials;
    this.#run = run;
  }

  /** Sends one piece of work through a channel of its own. */
  async send(kind: string, agent = this.#agent(), name = `${this.#run} ${kind}`): Promise<Answer> {
    this.sent.add(name);
    const answer = await post(agent, `${PLACE}/${kind}`, { name });
    if (answer.status === 200) this.acknowledged.add(name);
    return answer;
  }

  /** Sends small pieces of work until the backend accepts none. */
  async keepBusy(worker: number): Promise<void> {
    const agent = this.#agent();
    for (let n = 0; ; n += 1) {
      const answer = await this.send('fast', agent, `${this.#run} ${worker} ${n}`).catch(() => undefined);
      if (answer?.status !== 200) return;
    }
  }

  /** Follows a topic. `ended` resolves with whether that came to its end, and was not cut. */
  async follow(): Promise<{ readonly ended: Promise<boolean> }> {
    const asked = request({
      agent: this.#agent(),
      path: '/api/v1/events?topic=labour.*',
      headers: { host: 'aico' },
    });
    asked.on('error', () => {}).end();
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    response.on('error', () => {}).resume();
    return {
      ended: once(response, 'end').then(
        () => true,
        () => false,
      ),
    };
  }

  /** Connections that have begun something and never go on with it, at each step on the way to a request. */
  async linger(): Promise<void> {
    const { hostname, port } = new URL(this.#ready.http);
    const silent = connect(Number(port), hostname);
    const half = connect(Number(port), hostname);
    half.write('GET /livez HTTP/1.1\r\nHost: loc');
    const upgraded = await upgrade(this.#ready.http);
    const channel = await openChannel(this.#ready.http, this.#credentials);
    channel.write('POST /api/v1/labourer/fast HTTP/1.1\r\nHost: ai');
    this.#lingering.push(silent, half, upgraded, channel);
    for (const each of this.#lingering) each.on('error', () => {}).resume();
  }

  /** Resolves when the backend has begun all of it. */
  async begun(...kinds: readonly string[]): Promise<void> {
    for (;;) {
      const { begun } = (await localRequest(this.#ready.socket, `${PLACE}/begun`)).json() as {
        begun: string[];
      };
      if (kinds.every((kind) => begun.includes(`${this.#run} ${kind}`))) return;
    }
  }

  /** Resolves when the public port says that it is not ready; rejects when it says nothing any more. */
  async notReady(): Promise<void> {
    while ((await localRequest(this.#ready.http, '/readyz')).status !== 503);
  }

  close(): void {
    for (const agent of this.#agents) agent.destroy();
    for (const each of this.#lingering) each.destroy();
  }

  #agent(): ChannelAgent {
    const agent = new ChannelAgent(this.#ready.http, this.#credentials);
    this.#agents.push(agent);
    return agent;
  }
}

async function timed(life: Life, signal: NodeJS.Signals): Promise<Ended & { readonly ms: number }> {
  const beganAt = performance.now();
  life.child.kill(signal);
  const ended = await life.child.ended;
  return { ...ended, ms: performance.now() - beganAt };
}

function expectEnd(
  { wrong }: Context,
  { code, signal, ms }: Ended & { readonly ms: number },
  codes: readonly (number | string)[],
  withinMs: number,
): void {
  if (!codes.includes(code ?? signal ?? ''))
    wrong(`it ended with ${code ?? signal}, not ${codes.join(' or ')}`);
  if (ms > withinMs + GRACE_MS) wrong(`it took ${Math.round(ms)} ms, and had ${withinMs}`);
}

/** Work that was answered is done; and where all went in order, work that was done was answered. */
async function compare({ home, run, wrong }: Context, load: Load): Promise<void> {
  const database = await openHome(home);
  try {
    const { rows } = await database.execute<{ name: string }>('SELECT name FROM labour');
    const done = new Set(rows.map(({ name }) => name).filter((name) => name.startsWith(`${run} `)));
    for (const name of load.acknowledged) if (!done.has(name)) wrong(`${name} was answered and not done`);
    for (const name of done) if (!load.acknowledged.has(name)) wrong(`${name} was done and not answered`);
  } finally {
    await database.close();
  }
}

/** Slow work, a stream and, if asked, a handler that hangs are in flight among much small work; then the signal. */
async function underLoad(context: Context, life: Life, ready: Ready, hangs: boolean): Promise<number> {
  const { run, random, credentials, wrong } = context;
  if (credentials === undefined) throw new TypeError('not paired');
  const load = new Load(ready, credentials, run);
  try {
    const busy = Array.from({ length: BUSY }, (_, worker) => load.keepBusy(worker));
    let answered = 0;
    const slow = load.send('slow').finally(() => (answered += 1));
    const stream = load.send('stream').finally(() => (answered += 1));
    const hanging = hangs ? load.send('hang').catch(() => undefined) : undefined;
    const all = Promise.allSettled([slow, stream]);
    const followed = await load.follow();
    await load.linger();
    await load.begun('slow', 'stream', ...(hangs ? ['hang'] : []));
    for (let n = below(random, 20); n > 0; n -= 1) await localRequest(ready.http, '/livez');
    const ending = timed(life, 'SIGTERM');
    await load.notReady();
    if (answered > 0) wrong('work ended before it was told to');
    await writeFile(life.mayEnd, '');
    const [first, second] = await all;
    if (first.status !== 'fulfilled' || first.value.status !== 200)
      wrong(`slow work was not answered: ${JSON.stringify(first)}`);
    if (second.status !== 'fulfilled' || second.value.text.length !== STREAM.chunks * STREAM.size)
      wrong('a stream was cut');
    if (!(await followed.ended)) wrong('who followed a topic was cut');
    if (hangs && (await hanging)?.status === 200) wrong('what hangs was answered');
    expectEnd(context, await ending, [hangs ? 19 : 0], hangs ? HANG_BUDGET_MS : BUDGET_MS);
    await Promise.all(busy);
    await compare(context, load);
    return load.acknowledged.size;
  } finally {
    load.close();
  }
}

async function secondSignal(context: Context, life: Life, ready: Ready): Promise<void> {
  const { run, random, credentials } = context;
  if (credentials === undefined) throw new TypeError('not paired');
  const load = new Load(ready, credentials, run);
  try {
    const hanging = load.send('hang').catch(() => undefined);
    await load.begun('hang');
    life.child.kill('SIGTERM');
    await load.notReady();
    // The system ends it by the signal, which a shell reports as 128 + n.
    const signal = random() < 0.5 ? 'SIGTERM' : 'SIGINT';
    expectEnd(context, await timed(life, signal), [signal], 0);
    await hanging;
  } finally {
    load.close();
  }
}

async function live(kind: Kind, context: Context, life: Life): Promise<number> {
  if (kind === 'while it starts') {
    await Promise.race([
      new Promise((resolve) => setTimeout(resolve, below(context.random, START_MS))),
      life.ready,
    ]);
    // Before anything listens for signals there is nothing to be ended in order.
    expectEnd(context, await timed(life, 'SIGTERM'), [0, 'SIGTERM'], BUDGET_MS);
    return 0;
  }
  const ready = await life.ready;
  if (kind === 'under load') return underLoad(context, life, ready, false);
  if (kind === 'something hangs') return underLoad(context, life, ready, true);
  if (kind === 'a second signal') await secondSignal(context, life, ready);
  else expectEnd(context, await timed(life, 'SIGTERM'), [0], BUDGET_MS);
  return 0;
}

export const campaign: Campaign = async ({ count = FULL_COUNT, seed, report }) => {
  const random = randomFrom(seed);
  const home = await mkdtemp(path.join(tmpdir(), 'aico-r11-'));
  let failures = 0;
  let answered = 0;
  let credentials: DeviceCredentials | undefined;
  try {
    for (let run = 0; run < count; run += 1) {
      const kind = KINDS[run % KINDS.length] ?? 'at rest';
      const wrong = (what: string): void => {
        failures += 1;
        report(`run ${run}, ${kind}: ${what}`);
      };
      const budgetMs = { 'something hangs': HANG_BUDGET_MS, 'a second signal': 60_000 }[kind as string];
      const life = new Life(home, run, budgetMs ?? BUDGET_MS);
      try {
        if (credentials === undefined) credentials = await pair(await life.ready);
        answered += await live(kind, { home, run, random, credentials, wrong }, life);
      } catch (error) {
        wrong(`${error instanceof Error ? error.stack : String(error)} ${life.child.stderr.slice(-1_000)}`);
      } finally {
        life.child.kill();
        await life.child.ended;
      }
      if ((run + 1) % 10 === 0) report(`${run + 1} signals, ${failures} failures`);
    }
  } finally {
    await rm(home, { recursive: true, force: true });
  }
  return { runs: count, failures, ok: failures === 0, answered };
};
