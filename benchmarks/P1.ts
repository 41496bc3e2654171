/**
 * P1: requests/s of the whole backend through the sealed channel, compared with the same route in bare Fastify over TLS 1.3.
 * The requests are POSTs with 200 characters of JSON that is validated, on 16 HTTP connections in one channel or 16 TLS
 * connections, by the same client library (undici).
 */
import type { BenchmarkOutcome } from './benchmark.ts';
import { besideSealed } from './http-load.ts';

export function benchmark(): Promise<BenchmarkOutcome> {
  return besideSealed('tls', 1.15);
}
