import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { selfSigned } from '../packages/backend/test/fixtures/self-signed.ts';
import { type BenchmarkOutcome, spread } from './benchmark.ts';
import type { HttpCount, HttpLoad, HttpPlace, HttpSide } from './http-process.ts';

/** The rounds are short, so that a machine that is slow for some seconds is slow for all sides of a round. */
const ROUNDS = 25;
const MILLISECONDS = 700;
const WARM_UP_MILLISECONDS = 1_500;
const CONNECTIONS = 16;
const PROCESS = fileURLToPath(new URL('./http-process.ts', import.meta.url));

interface Served {
  readonly side: HttpSide;
  readonly place: HttpPlace;
  readonly child: ChildProcess;
}

/** A client process and the server that it sends requests to. */
interface Load {
  readonly name: string;
  readonly server: ChildProcess;
  readonly client: ChildProcess;
}

/**
 * Measures requests/s through one sealed channel for all connections of its client, compared with another transport. Each server
 * and each client is a separate process, and the sides take turns in every round. The result also contains, without a target, the
 * figure with a channel for each connection, and the processor time per request, which depends less on the load of the machine.
 */
export async function besideSealed(peer: 'tls' | 'clear', atLeast: number): Promise<BenchmarkOutcome> {
  const folder = mkdtempSync(path.join(tmpdir(), 'aico-bench-'));
  const children: ChildProcess[] = [];
  const rates = new Map<string, number[]>();
  const costs = new Map<string, number[]>();
  const [ratio, ratioWithAChannelEach]: [number[], number[]] = [[], []];
  try {
    const certificate = peer === 'tls' ? selfSigned(folder) : [];
    const sealed = await serve(children, 'sealed', certificate);
    const other = await serve(children, peer, certificate);
    // The two sides of the figure run next to each other in every round.
    const loads = [
      await openLoad(children, 'sealed, a channel each', sealed, true),
      await openLoad(children, 'sealed', sealed, false),
      await openLoad(children, peer, other, false),
    ];
    for (const load of loads) await run(load, WARM_UP_MILLISECONDS);
    for (let round = 0; round < ROUNDS; round += 1) {
      const rate = new Map<string, number>();
      // The order alternates, so that neither side always runs first.
      for (const load of round % 2 === 0 ? loads : loads.toReversed()) {
        const { perSecond, clientMicroseconds, serverMicroseconds } = await run(load, MILLISECONDS);
        rate.set(load.name, perSecond);
        note(rates, load.name, perSecond);
        note(costs, `${load.name}: client`, clientMicroseconds);
        note(costs, `${load.name}: server`, serverMicroseconds);
      }
      const of = (name: string): number => rate.get(name) ?? Number.NaN;
      ratio.push(of('sealed') / of(peer));
      ratioWithAChannelEach.push(of('sealed, a channel each') / of(peer));
    }
  } finally {
    for (const child of children.toReversed()) await ended(child);
    rmSync(folder, { recursive: true });
  }
  const value = spread(ratio).median;
  const spreads = (all: ReadonlyMap<string, readonly number[]>) =>
    Object.fromEntries([...all].map(([name, values]) => [name, spread(values)]));
  return {
    value,
    target: `>= ${atLeast}`,
    ok: value >= atLeast,
    sides: {
      unit: 'requests/s',
      ...spreads(rates),
      ratio: spread(ratio),
      ratioWithAChannelEach: spread(ratioWithAChannelEach),
      processorMicrosecondsPerRequest: spreads(costs),
    },
  };
}

async function openLoad(
  children: ChildProcess[],
  name: string,
  served: Served,
  isApart: boolean,
): Promise<Load> {
  const client = forked(children, ['client']);
  const order: HttpLoad = { side: served.side, place: served.place, connections: CONNECTIONS, isApart };
  await told(client, order);
  return { name, server: served.child, client };
}

async function run({ server, client }: Load, milliseconds: number) {
  await told(server, 'cpu');
  const { requests, seconds, cpuSeconds } = (await told(client, milliseconds)) as HttpCount;
  // The server's processor time in seconds since the last request for it.
  const serverSeconds = (await told(server, 'cpu')) as number;
  return {
    perSecond: requests / seconds,
    clientMicroseconds: (cpuSeconds * 1e6) / requests,
    serverMicroseconds: (serverSeconds * 1e6) / requests,
  };
}

/** Waits for the answer of a process to an order. Rejects if the process ends instead. */
async function told(child: ChildProcess, order: string | number | HttpLoad): Promise<unknown> {
  const answered = new AbortController();
  const ended = once(child, 'exit', { signal: answered.signal }).then(([code]) => {
    throw new Error(`a process of the benchmark ended with ${code}`);
  });
  child.send(order);
  try {
    const [answer] = await Promise.race([once(child, 'message', { signal: answered.signal }), ended]);
    return answer;
  } finally {
    ended.catch(() => {});
    answered.abort();
  }
}

async function serve(children: ChildProcess[], side: HttpSide, files: readonly string[]): Promise<Served> {
  const child = forked(children, [side, ...(side === 'tls' ? files : [])]);
  const [place] = (await once(child, 'message')) as [HttpPlace];
  return { side, place, child };
}

function forked(children: ChildProcess[], words: readonly string[]): ChildProcess {
  const child = fork(PROCESS, words, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  children.push(child);
  return child;
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
}

function note(costs: Map<string, number[]>, name: string, value: number): void {
  costs.set(name, [...(costs.get(name) ?? []), value]);
}
