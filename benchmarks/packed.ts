/** The packed form for P11, P12 and P17: the packages installed into a folder, and a bare Fastify process for comparison. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { packAll } from '../scripts/pack/pack.ts';

const BARE = `import fastify from 'fastify';
const app = fastify();
app.get('/readyz', async () => ({ status: 'ready' }));
await app.listen({ host: '127.0.0.1', port: 0 });
process.stdout.write('ready\\n');
`;

const AICO = 'node_modules/@aico/cli/bin/aico.js';

export type Side = 'aico' | 'bare';

/** A process that is ready. */
interface ReadyProcess {
  /** Milliseconds from the start of the process to its first line, which both sides print when they are ready. */
  readonly readyMs: number;
  /** The home of the backend. */
  readonly home: string;
  /** The current resident memory, from /proc. */
  residentBytes(): number;
  stop(): Promise<void>;
}

export class PackedInstallation implements AsyncDisposable {
  readonly #folder: string;
  #homes = 0;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async create(): Promise<PackedInstallation> {
    const tarballs = await packAll();
    const folder = await mkdtemp(path.join(os.tmpdir(), 'aico-packed-'));
    await writeFile(path.join(folder, 'package.json'), '{"private":true,"type":"module"}');
    await writeFile(path.join(folder, 'bare.js'), BARE);
    const { status, stderr } = spawnSync('npm', ['install', '--prefer-offline', ...tarballs], {
      cwd: folder,
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
    return new PackedInstallation(folder);
  }

  /** Starts one side; each start of the backend has an empty home. */
  async start(side: Side): Promise<ReadyProcess> {
    this.#homes += 1;
    const home = path.join(this.#folder, `home-${this.#homes}`);
    const script = side === 'bare' ? ['bare.js'] : [AICO, 'start', '--json'];
    const env = {
      ...process.env,
      AICO_HOME: home,
      AICO_CORE__API_GATEWAY__REST__PORT: '0',
      AICO_CORE__DATABASE__KEYRING_WITNESS: 'false',
    };
    const began = performance.now();
    const child = spawn(process.execPath, script, {
      cwd: this.#folder,
      stdio: ['ignore', 'pipe', 'ignore'],
      env,
    });
    await once(child.stdout, 'data');
    const readyMs = performance.now() - began;
    return { readyMs, home, residentBytes: () => residentBytes(child), stop: () => stop(child) };
  }

  /** Milliseconds from the start of a Node process to its end. `aico` runs the installed command. */
  async time(args: readonly string[], home: string): Promise<number> {
    const began = performance.now();
    const child = spawn(process.execPath, args[0] === 'aico' ? [AICO, ...args.slice(1)] : args, {
      cwd: this.#folder,
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, AICO_HOME: home },
    });
    const [code] = await once(child, 'exit');
    assert.equal(code, 0, args.join(' '));
    return performance.now() - began;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

function residentBytes({ pid }: ChildProcess): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) * 1_024;
}

async function stop(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  await exited;
}
