import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BenchmarkOutcome, spread } from './benchmark.ts';
import type { HttpCount, HttpLoad, HttpPlace, HttpSide } from './http-process.ts';

const ROUNDS = 7;
const CONNECTIONS = 16;
const MILLISECONDS = 2_500;
const PROCESS = fileURLToPath(new URL('./http-process.ts', import.meta.url));

interface Served {
  readonly side: HttpSide;
  readonly place: HttpPlace;
  readonly child: ChildProcess;
}

/**
 * Requests/s through the sealed channel, which carries all connections of its client as a client has it, beside another way, each server and each client a process of its own; in turns,
 * round by round. What it is with a channel for each connection is told too, and judged by nobody. What one request costs each process in processor time is told too: it is less at the mercy of
 * whatever else the machine does.
 */
export async function besideSealed(peer: 'tls' | 'clear', atLeast: number): Promise<BenchmarkOutcome> {
  const folder = mkdtempSync(path.join(tmpdir(), 'aico-bench-'));
  const servers: Served[] = [];
  const rates = new Map<string, number[]>();
  const costs = new Map<string, number[]>();
  const ratios: number[] = [];
  const ratiosApart: number[] = [];
  try {
    const certificate = peer === 'tls' ? selfSigned(folder) : [];
    for (const side of ['sealed', peer] as const) servers.push(await serve(side, certificate));
    for (let round = 0; round < ROUNDS; round += 1) {
      const rate = new Map<string, number>();
      const loads = servers.flatMap((served) =>
        served.side === 'sealed'
          ? [
              { served, isApart: false },
              { served, isApart: true },
            ]
          : [{ served, isApart: false }],
      );
      // Whoever is first has no advantage over all rounds.
      for (const { served, isApart } of round % 2 === 0 ? loads : loads.toReversed()) {
        const { requests, seconds, clientMicroseconds, serverMicroseconds } = await loaded(served, isApart);
        const name = isApart ? 'sealed, a channel each' : served.side;
        rate.set(name, requests / seconds);
        note(rates, name, requests / seconds);
        note(costs, `${name}: client`, clientMicroseconds);
        note(costs, `${name}: server`, serverMicroseconds);
      }
      const of = (name: string): number => rate.get(name) ?? Number.NaN;
      ratios.push(of('sealed') / of(peer));
      ratiosApart.push(of('sealed, a channel each') / of(peer));
    }
  } finally {
    for (const { child } of servers) await ended(child, 'SIGTERM');
    rmSync(folder, { recursive: true });
  }
  const value = spread(ratios).median;
  return {
    value,
    target: `>= ${atLeast}`,
    ok: value >= atLeast,
    sides: {
      unit: 'requests/s',
      ...Object.fromEntries([...rates].map(([side, values]) => [side, spread(values)])),
      ratio: spread(ratios),
      ratioWithAChannelEach: spread(ratiosApart),
      processorMicrosecondsPerRequest: Object.fromEntries(
        [...costs].map(([name, values]) => [name, spread(values)]),
      ),
    },
  };
}

async function loaded({ side, place, child }: Served, isApart: boolean) {
  const client = fork(PROCESS, ['client'], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  await ask(child);
  const order: HttpLoad = { side, place, connections: CONNECTIONS, isApart, milliseconds: MILLISECONDS };
  client.send(order);
  const [count] = (await once(client, 'message')) as [HttpCount];
  const serverSeconds = await ask(child);
  await ended(client, 'SIGKILL');
  return {
    ...count,
    clientMicroseconds: (count.cpuSeconds * 1e6) / count.requests,
    // The server's time holds the warm-up too, a quarter of it all.
    serverMicroseconds: (serverSeconds * 0.75 * 1e6) / count.requests,
  };
}

/** The server's processor time since it was asked last, in seconds. */
async function ask(server: ChildProcess): Promise<number> {
  server.send('cpu');
  const [seconds] = (await once(server, 'message')) as [number];
  return seconds;
}

async function serve(side: HttpSide, files: readonly string[]): Promise<Served> {
  const child = fork(PROCESS, [side, ...(side === 'tls' ? files : [])], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const [place] = (await once(child, 'message')) as [HttpPlace];
  return { side, place, child };
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}

function note(costs: Map<string, number[]>, name: string, value: number): void {
  costs.set(name, [...(costs.get(name) ?? []), value]);
}

/** An elliptic key and a certificate for localhost, by the machine's openssl. */
function selfSigned(folder: string): readonly string[] {
  const [key, cert] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')];
  const options = [
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-days',
    '2',
  ];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  execFileSync('openssl', ['req', ...options, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  return [key, cert];
}
