/** P12: resident memory of the packed backend 3 s after ready, compared with a bare Fastify process, in interleaved rounds. Linux only. */
import { setTimeout as delay } from 'node:timers/promises';
import { type BenchmarkOutcome, spread } from './benchmark.ts';
import { PackedInstallation } from './packed.ts';

const ROUNDS = '5';
const SETTLE_MS = 3_000;

/** @param args the number of rounds, if it is not the default */
export async function benchmark([rounds]: readonly string[]): Promise<BenchmarkOutcome> {
  await using installation = await PackedInstallation.create();
  const sides = { aico: [] as number[], bare: [] as number[] };
  for (let round = 0; round < Number(rounds ?? ROUNDS); round += 1) {
    for (const side of ['bare', 'aico'] as const) {
      const started = await installation.start(side);
      await delay(SETTLE_MS);
      sides[side].push(started.residentBytes() / 1_048_576);
      await started.stop();
    }
  }
  const value = spread(sides.aico).median / spread(sides.bare).median;
  return {
    value,
    target: '<= 1.6',
    ok: value <= 1.6,
    sides: { unit: 'MiB', aico: spread(sides.aico), bare: spread(sides.bare) },
  };
}
