/**
 * P20: messages of 200 bytes from one node to another over NATS with TLS, sealed, compared with a bare NATS client on each side of the same
 * kind of server with TLS. Publisher, server and subscriber are separate processes on both sides.
 */
import type { BenchmarkOutcome } from './benchmark.ts';
import { compareWithNats } from './beside-nats.ts';

export const benchmark = (): Promise<BenchmarkOutcome> =>
  compareWithNats({ id: 'P20', ours: 'nodes', isRestricted: false, rate: 0.7, latency: 2 });
