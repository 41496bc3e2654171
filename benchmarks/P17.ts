/**
 * P17: `aico status --json` takes at most 2.5 times as long as the least that any command of Node's could: starting Node
 * with nothing to do, and one bare request over the same socket. The sides alternate, each as a process of its own.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { createTestBackend } from '../packages/backend/src/testing/index.ts';
import { type Benchmark, spread } from './benchmark.ts';

const TARGET = 2.5;
const WARM_UP = 3;
const BIN = fileURLToPath(new URL('../packages/cli/bin/aico.js', import.meta.url));

/** Milliseconds from the start of a process to its end. */
async function timeProcess(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const beganAt = performance.now();
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'], env });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`${args.join(' ')} ended with exit code ${code}`);
  return performance.now() - beganAt;
}

async function timeRequest(socketPath: string): Promise<number> {
  const beganAt = performance.now();
  const asked = request({ socketPath, path: '/api/v1/system/status', agent: false }).end();
  const [response] = await once(asked, 'response');
  for await (const _chunk of response);
  return performance.now() - beganAt;
}

export const benchmark: Benchmark = async ([rounds = '21']) => {
  const backend = await createTestBackend();
  const env = { PATH: process.env.PATH, HOME: backend.home, AICO_HOME: backend.home };
  const aico: number[] = [];
  const node: number[] = [];
  const bare: number[] = [];
  try {
    for (let round = -WARM_UP; round < Number(rounds); round += 1) {
      const sides = [
        await timeProcess([BIN, 'status', '--json'], env),
        await timeProcess(['-e', '0'], env),
        await timeRequest(backend.socket),
      ] as const;
      if (round < 0) continue;
      aico.push(sides[0]);
      node.push(sides[1]);
      bare.push(sides[2]);
    }
  } finally {
    await backend.stop();
  }
  const sides = { aico: spread(aico), node: spread(node), bareRequest: spread(bare) };
  const value = sides.aico.median / (sides.node.median + sides.bareRequest.median);
  return { value, target: `<= ${TARGET}`, ok: value <= TARGET, sides: { unit: 'ms', ...sides } };
};
