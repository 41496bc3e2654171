/**
 * R11: `SIGTERM` to the whole `aico start` in every phase: during the start, idle, under load through channels, with a handler
 * that hangs, and followed by a second signal. Readiness ends first, every request in flight is finished and answered, only
 * answered requests have an effect, and the process exits in time.
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
/** The number of clients that send small requests one after the other. */
const BUSY = 6;
const BUDGET_MS = 10_000;
/** The budget of a stop with a hanging handler, which takes the whole budget. */
const HANG_BUDGET_MS = 4_000;
/** Milliseconds beyond the budget that still count as in time on a busy machine. */
const GRACE_MS = 3_000;
/** The typical duration of a start, within which the signal is sent at a random moment. */
const START_MS = 1_200;

const KINDS = ['idle', 'under load', 'hanging handler', 'second signal', 'during the start'] as const;
type Kind = (typeof KINDS)[number];

interface Ready {
  readonly socket: string;
  readonly http: string;
}

class BackendProcess {
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

/** The requests sent to one process of the backend, and the answers. */
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

  /** Sends one request through a new channel. */
  async send(kind: string, agent = this.#agent(), name = `${this.#run} ${kind}`): Promise<Answer> {
    this.sent.add(name);
    const answer = await post(agent, `${PLACE}/${kind}`, { name });
    if (answer.status === 200) this.acknowledged.add(name);
    return answer;
  }

  /** Sends small requests until the backend accepts none. */
  async keepBusy(worker: number): Promise<void> {
    const agent = this.#agent();
    for (let n = 0; ; n += 1) {
      const answer = await this.send('fast', agent, `${this.#run} ${worker} ${n}`).catch(() => undefined);
      if (answer?.status !== 200) return;
    }
  }

  /** Follows a topic. `ended` resolves with whether the stream ended properly. */
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

  /** Opens connections that stop at each step of a request and remain silent. */
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

  /** Resolves when the backend has begun all requests. */
  async begun(...kinds: readonly string[]): Promise<void> {
    for (;;) {
      const { begun } = (await localRequest(this.#ready.socket, `${PLACE}/begun`)).json() as {
        begun: string[];
      };
      if (kinds.every((kind) => begun.includes(`${this.#run} ${kind}`))) return;
    }
  }

  /** Resolves when the public port answers that the backend is not ready; rejects when it no longer answers. */
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

async function timed(
  backend: BackendProcess,
  signal: NodeJS.Signals,
): Promise<Ended & { readonly ms: number }> {
  const beganAt = performance.now();
  backend.child.kill(signal);
  const ended = await backend.child.ended;
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

/** Checks that answered requests have had their effect and, after an orderly stop, that no other request has. */
async function compare({ home, run, wrong }: Context, load: Load): Promise<void> {
  const database = await openHome(home);
  try {
    const { rows } = await database.execute<{ name: string }>('SELECT name FROM labour');
    const done = new Set(rows.map(({ name }) => name).filter((name) => name.startsWith(`${run} `)));
    for (const name of load.acknowledged) if (!done.has(name)) wrong(`${name} was answered and not stored`);
    for (const name of done) if (!load.acknowledged.has(name)) wrong(`${name} was stored and not answered`);
  } finally {
    await database.close();
  }
}

/** Sends the signal while a slow request, a stream, small requests and optionally a hanging handler are in flight. */
async function underLoad(
  context: Context,
  backend: BackendProcess,
  ready: Ready,
  hangs: boolean,
): Promise<number> {
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
    const ending = timed(backend, 'SIGTERM');
    await load.notReady();
    if (answered > 0) wrong('a slow request ended before the file that ends it existed');
    await writeFile(backend.mayEnd, '');
    const [first, second] = await all;
    if (first.status !== 'fulfilled' || first.value.status !== 200)
      wrong(`the slow request was not answered: ${JSON.stringify(first)}`);
    if (second.status !== 'fulfilled' || second.value.text.length !== STREAM.chunks * STREAM.size)
      wrong('a stream was cut');
    if (!(await followed.ended)) wrong('the stream of a topic was cut');
    if (hangs && (await hanging)?.status === 200) wrong('the hanging handler was answered');
    expectEnd(context, await ending, [hangs ? 19 : 0], hangs ? HANG_BUDGET_MS : BUDGET_MS);
    await Promise.all(busy);
    await compare(context, load);
    return load.acknowledged.size;
  } finally {
    load.close();
  }
}

async function secondSignal(context: Context, backend: BackendProcess, ready: Ready): Promise<void> {
  const { run, random, credentials } = context;
  if (credentials === undefined) throw new TypeError('not paired');
  const load = new Load(ready, credentials, run);
  try {
    const hanging = load.send('hang').catch(() => undefined);
    await load.begun('hang');
    backend.child.kill('SIGTERM');
    await load.notReady();
    // The system ends the process by the signal, which a shell reports as 128 + n.
    const signal = random() < 0.5 ? 'SIGTERM' : 'SIGINT';
    expectEnd(context, await timed(backend, signal), [signal], 0);
    await hanging;
  } finally {
    load.close();
  }
}

async function exercise(kind: Kind, context: Context, backend: BackendProcess): Promise<number> {
  if (kind === 'during the start') {
    await Promise.race([
      new Promise((resolve) => setTimeout(resolve, below(context.random, START_MS))),
      backend.ready,
    ]);
    // Before the backend has signal handlers, the signal ends the process.
    expectEnd(context, await timed(backend, 'SIGTERM'), [0, 'SIGTERM'], BUDGET_MS);
    return 0;
  }
  const ready = await backend.ready;
  if (kind === 'under load') return underLoad(context, backend, ready, false);
  if (kind === 'hanging handler') return underLoad(context, backend, ready, true);
  if (kind === 'second signal') await secondSignal(context, backend, ready);
  else expectEnd(context, await timed(backend, 'SIGTERM'), [0], BUDGET_MS);
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
      const kind = KINDS[run % KINDS.length] ?? 'idle';
      const wrong = (what: string): void => {
        failures += 1;
        report(`run ${run}, ${kind}: ${what}`);
      };
      const budgetMs = { 'hanging handler': HANG_BUDGET_MS, 'second signal': 60_000 }[kind as string];
      const backend = new BackendProcess(home, run, budgetMs ?? BUDGET_MS);
      try {
        if (credentials === undefined) credentials = await pair(await backend.ready);
        answered += await exercise(kind, { home, run, random, credentials, wrong }, backend);
      } catch (error) {
        wrong(
          `${error instanceof Error ? error.stack : String(error)} ${backend.child.stderr.slice(-1_000)}`,
        );
      } finally {
        backend.child.kill();
        await backend.child.ended;
      }
      if ((run + 1) % 10 === 0) report(`${run + 1} signals, ${failures} failures`);
    }
  } finally {
    await rm(home, { recursive: true, force: true });
  }
  return { runs: count, failures, ok: failures === 0, answered };
};
