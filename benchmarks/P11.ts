/**
 * P11: time from process start to ready of the packed backend with all built-in plugins, compared with a bare Fastify process,
 * in interleaved rounds. Every start of the backend creates a home with keys and database.
 */
import { type BenchmarkOutcome, spread } from './benchmark.ts';
import { PackedInstallation } from './packed.ts';

const ROUNDS = '7';

/** @param args the number of rounds, if it is not the default */
export async function benchmark([rounds]: readonly string[]): Promise<BenchmarkOutcome> {
  await using installation = await PackedInstallation.create();
  const sides = { aico: [] as number[], bare: [] as number[] };
  // The first round fills the cache of compiled code and does not count.
  for (let round = 0; round <= Number(rounds ?? ROUNDS); round += 1) {
    for (const side of ['bare', 'aico'] as const) {
      const started = await installation.start(side);
      await started.stop();
      if (round > 0) sides[side].push(started.readyMs);
    }
  }
  const value = spread(sides.aico).median / spread(sides.bare).median;
  return {
    value,
    target: '<= 2.0',
    ok: value <= 2,
    sides: { unit: 'ms', aico: spread(sides.aico), bare: spread(sides.bare) },
  };
}
