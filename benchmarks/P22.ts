/**
 * P22: messages of 200 bytes from one process to another through the broker (CURVE, rights), compared with NATS core over TLS
 * with users and permissions. Publisher, server and subscriber are separate processes on both sides.
 *
 * Saturated: the publisher sends as fast as it can without loss. One in flight: each message is published when the previous one
 * has arrived. The rounds are interleaved, and the ratio is computed for each round.
 */
import { spawnSync } from 'node:child_process';
import { type BenchmarkOutcome, spread } from './benchmark.ts';
import { BusLine } from './bus-load.ts';

const ROUNDS = 7;
const TOTAL = 300_000;
/** Batches of 512 messages in flight for each publisher, enough that neither publisher waits for an answer. */
const WINDOW = 8;
/** Rounds that do not count, while the caches of the machine fill. */
const WARM_UP = 1;

export async function benchmark(): Promise<BenchmarkOutcome> {
  const { error, stdout } = spawnSync('nats-server', ['--version'], { encoding: 'utf8' });
  if (error !== undefined)
    throw new Error(
      'P22 compares with nats-server, which is not installed: apt-get install nats-server (Debian, Ubuntu), or see https://docs.nats.io/running-a-nats-service/introduction/installation',
      { cause: error },
    );
  const rates = { broker: [] as number[], nats: [] as number[] };
  const lost = { broker: 0, nats: 0 };
  const latencies = { broker: [] as number[], nats: [] as number[] };
  for (let round = 0; round < ROUNDS + WARM_UP; round += 1) {
    for (const side of ['nats', 'broker'] as const) {
      await using line = await BusLine.open(side, { isRestricted: true });
      const latency = await line.oneByOne();
      // The first pass includes compilation and does not count.
      await line.saturate(TOTAL / 4, WINDOW);
      const outcome = await line.saturate(TOTAL, WINDOW);
      lost[side] += outcome.lost;
      if (round < WARM_UP) continue;
      latencies[side].push(latency);
      rates[side].push(outcome.rate);
    }
  }
  const ratios = (mine: readonly number[], other: readonly number[]) =>
    spread(mine.map((value, round) => value / (other[round] ?? Number.NaN)));
  const rate = ratios(rates.broker, rates.nats);
  const latency = ratios(latencies.broker, latencies.nats);
  return {
    value: rate.median,
    target: '>= 1 saturated with 0 lost, and p50 latency <= 1.5 x',
    ok: rate.median >= 1 && lost.broker === 0 && latency.median <= 1.5,
    sides: {
      peer: stdout.trim(),
      saturated: {
        unit: 'messages/s',
        ratios: rate,
        broker: spread(rates.broker),
        nats: spread(rates.nats),
        brokerLost: lost.broker,
        natsLost: lost.nats,
      },
      oneInFlight: {
        unit: 'us, median of each round',
        ratios: latency,
        broker: spread(latencies.broker),
        nats: spread(latencies.nats),
      },
    },
  };
}
