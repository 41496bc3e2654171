/**
 * P22: messages of 200 bytes from one process to another through the broker (CURVE, rights), compared with NATS core over TLS
 * with users and permissions. Publisher, server and subscriber are separate processes on both sides.
 */
import type { BenchmarkOutcome } from './benchmark.ts';
import { compareWithNats } from './beside-nats.ts';

export const benchmark = (): Promise<BenchmarkOutcome> =>
  compareWithNats({ id: 'P22', ours: 'broker', isRestricted: true, rate: 1, latency: 1.5 });
