/** P2: requests/s through the sealed channel as in P1, beside the same route in bare Fastify in the clear. */
import type { BenchmarkOutcome } from './benchmark.ts';
import { besideSealed } from './http-load.ts';

export function benchmark(): Promise<BenchmarkOutcome> {
  return besideSealed('clear', 0.85);
}
