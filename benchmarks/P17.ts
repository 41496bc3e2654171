/**
 * P17: the packed `aico status --json` takes at most 2.5 times as long as a minimal Node.js command, which starts Node and sends
 * one request over the same socket. The rounds are interleaved, and each side is a separate process.
 */
import { once } from 'node:events';
import { request } from 'node:http';
import path from 'node:path';
import { type Benchmark, spread } from './benchmark.ts';
import { PackedInstallation } from './packed.ts';

const TARGET = 2.5;
const WARM_UP = 3;

async function timeRequest(socketPath: string): Promise<number> {
  const beganAt = performance.now();
  const asked = request({ socketPath, path: '/api/v1/system/status', agent: false }).end();
  const [response] = await once(asked, 'response');
  for await (const _chunk of response);
  return performance.now() - beganAt;
}

export const benchmark: Benchmark = async ([rounds = '21']) => {
  await using installation = await PackedInstallation.create();
  const backend = await installation.start('aico');
  const aico: number[] = [];
  const node: number[] = [];
  const bare: number[] = [];
  try {
    for (let round = -WARM_UP; round < Number(rounds); round += 1) {
      const sides = [
        await installation.time(['aico', 'status', '--json'], backend.home),
        await installation.time(['-e', '0'], backend.home),
        await timeRequest(path.join(backend.home, 'run/api.sock')),
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
