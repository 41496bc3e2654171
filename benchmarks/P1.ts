/**
 * P1: requests/s through the sealed channel (POST, JSON of 200 characters, checked, 16 connections of HTTP in one
 * channel), the whole backend with its rights behind it, beside the same route in bare Fastify over TLS 1.3, on 16
 * connections; the same client library (undici).
 */
import type { BenchmarkOutcome } from './benchmark.ts';
import { besideSealed } from './http-load.ts';

export function benchmark(): Promise<BenchmarkOutcome> {
  return besideSealed('tls', 1.15);
}
