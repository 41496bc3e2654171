import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { DeviceCredentials } from '@aico/protocol/channel';
import { pair } from '../../packages/backend/test/fixtures/channel.ts';
import { ChannelAgent, post } from '../../packages/backend/test/fixtures/channel-agent.ts';

/** The environment of an attack. `random(n)` returns a number below `n`. */
export interface Target {
  readonly socket: string;
  readonly http: string;
  /** The credentials of a hostile device that is paired and has all rights of an owner. */
  readonly credentials: DeviceCredentials;
  /** The credentials of the device that must be served throughout. An attacker may have recorded its handshakes. */
  readonly good: DeviceCredentials;
  readonly random: (below: number) => number;
}

/** An attack. It rejects with {@link AttackSucceeded} when it observes a broken guarantee; the end of its connections is expected. */
export interface Attack {
  readonly name: string;
  readonly run: (target: Target) => Promise<void>;
}

/** An attacker observed a broken guarantee. */
export class AttackSucceeded extends Error {}

/** Resolves when the connection has been closed or cut. */
export function closed(connection: Duplex): Promise<true> {
  return new Promise((resolve) => connection.once('close', () => resolve(true)));
}

/** Milliseconds that an attacker waits for an answer that may never come. */
export const PATIENCE_MS = 1_500;
/** Milliseconds within which the correct client must be served. */
export const SERVED_MS = 5_000;

/** The result of `work`; `undefined` if it fails or takes too long, since an attacker may be refused. */
export async function within<T>(work: Promise<T>, milliseconds = PATIENCE_MS): Promise<T | undefined> {
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => late.resolve(undefined), milliseconds);
  try {
    return await Promise.race([work, late.promise]);
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

/** Opens a connection to the local socket or the public port; its errors are ignored. */
export function dial(target: string): Socket {
  const url = target.startsWith('http') ? new URL(target) : undefined;
  const socket = url === undefined ? connect(target) : connect(Number(url.port), url.hostname);
  return socket.on('error', () => {});
}

/** Sends bytes in pieces, and reads until the peer closes or patience ends. @returns what was answered */
export async function converse(
  connection: Duplex,
  pieces: readonly (string | Uint8Array)[],
): Promise<string> {
  const answered: Buffer[] = [];
  connection.on('error', () => {}).on('data', (chunk: Buffer) => answered.push(chunk));
  for (const piece of pieces) if (!connection.destroyed) connection.write(piece);
  await within(once(connection, 'close'), 300);
  connection.destroy();
  return Buffer.concat(answered).toString('latin1');
}

export class HostileWorld {
  readonly #child: ChildProcess;
  readonly socket: string;
  readonly http: string;
  readonly credentials: DeviceCredentials;
  readonly good: DeviceCredentials;
  readonly #agent: ChannelAgent;

  private constructor(
    child: ChildProcess,
    { socket, http }: { readonly socket: string; readonly http: string },
    credentials: DeviceCredentials,
    good: DeviceCredentials,
  ) {
    this.#child = child;
    this.socket = socket;
    this.http = http;
    this.credentials = credentials;
    this.good = good;
    this.#agent = new ChannelAgent(http, good, 2);
  }

  static async start(): Promise<HostileWorld> {
    const child = fork(fileURLToPath(new URL('./backend-process.ts', import.meta.url)), {
      execArgv: ['--expose-gc'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const [addresses] = (await once(child, 'message')) as [{ socket: string; http: string }];
    return new HostileWorld(child, addresses, await pair(addresses), await pair(addresses));
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The reason why the correct device is not served in time, on its channel or on a new one; `undefined` if it is. */
  async refusalOfTheGood(): Promise<string | undefined> {
    const opened = new ChannelAgent(this.http, this.good);
    const agents = { 'on its channel': this.#agent, 'on a new channel': opened };
    try {
      const refusals = await Promise.all(
        Object.entries(agents).map(async ([place, agent]) => {
          const work = post(agent, '/api/v1/bus/messages', { topic: 'good.news', message: 1 });
          const answer = await within(
            work.then(({ status }) => String(status), String),
            SERVED_MS,
          );
          return answer === '202' ? undefined : `${place}: ${answer ?? `no answer in ${SERVED_MS} ms`}`;
        }),
      );
      return refusals.find((refusal) => refusal !== undefined);
    } finally {
      opened.destroy();
    }
  }

  async memory(): Promise<number> {
    if (!this.isAlive) throw new Error('the backend has ended');
    this.#child.send('memory');
    const [{ rss }] = (await once(this.#child, 'message')) as [{ rss: number }];
    return rss;
  }

  async stop(): Promise<void> {
    this.#agent.destroy();
    if (!this.isAlive) return;
    const ended = once(this.#child, 'exit');
    this.#child.disconnect();
    await within(ended, 10_000);
    this.#child.kill('SIGKILL');
  }
}
