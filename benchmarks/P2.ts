/** P2: requests/s through the sealed channel as in P1, compared with the same route in bare Fastify over plain HTTP. */
import type { BenchmarkOutcome } from './benchmark.ts';
import { besideSealed } from './http-load.ts';

export function benchmark(): Promise<BenchmarkOutcome> {
  return besideSealed('clear', 0.85);
}
