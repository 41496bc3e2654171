/** The rounds of the figures that compare our bus with NATS core (P20, P22). */
import { spawnSync } from 'node:child_process';
import { type BenchmarkOutcome, spread } from './benchmark.ts';
import { BusLine } from './bus-load.ts';

const ROUNDS = 7;
const TOTAL = 300_000;
/** Batches of 512 messages in flight for each publisher, enough that neither publisher waits for an answer. */
const WINDOW = 8;
/** Rounds that do not count, while the caches of the machine fill. */
const WARM_UP = 1;

interface Comparison {
  readonly id: string;
  readonly ours: 'broker' | 'nodes';
  /** Whether the clients of NATS have users and rights. */
  readonly isRestricted: boolean;
  /** The least ratio of rates, and the greatest of latencies. */
  readonly rate: number;
  readonly latency: number;
}

/**
 * Saturated: the publisher sends as fast as it can without loss. One in flight: each message is published when the previous one
 * has arrived. The rounds are interleaved, and the ratio is computed for each round.
 *
 * @throws {Error} if nats-server is not installed
 */
export async function compareWithNats(comparison: Comparison): Promise<BenchmarkOutcome> {
  const { id, ours, isRestricted } = comparison;
  const { error, stdout } = spawnSync('nats-server', ['--version'], { encoding: 'utf8' });
  if (error !== undefined)
    throw new Error(
      `${id} compares with nats-server, which is not installed: apt-get install nats-server (Debian, Ubuntu), or see https://docs.nats.io/running-a-nats-service/introduction/installation`,
      { cause: error },
    );
  const sides = { [ours]: new Side(), nats: new Side() };
  for (let round = 0; round < ROUNDS + WARM_UP; round += 1) {
    for (const [name, side] of Object.entries(sides)) {
      await using line = await BusLine.open(name as 'nats' | typeof ours, { isRestricted });
      const latency = await line.oneByOne();
      // The first pass includes compilation and does not count.
      await line.saturate(TOTAL / 4, WINDOW);
      const outcome = await line.saturate(TOTAL, WINDOW);
      side.lost += outcome.lost;
      if (round < WARM_UP) continue;
      side.latencies.push(latency);
      side.rates.push(outcome.rate);
    }
  }
  const { [ours]: mine = new Side(), nats } = sides;
  const rate = ratios(mine.rates, nats.rates);
  const latency = ratios(mine.latencies, nats.latencies);
  return {
    value: rate.median,
    target: `>= ${comparison.rate} saturated with 0 lost, and p50 latency <= ${comparison.latency} x`,
    ok: rate.median >= comparison.rate && mine.lost === 0 && latency.median <= comparison.latency,
    sides: {
      peer: stdout.trim(),
      saturated: {
        unit: 'messages/s',
        ratios: rate,
        [ours]: spread(mine.rates),
        nats: spread(nats.rates),
        lost: { [ours]: mine.lost, nats: nats.lost },
      },
      oneInFlight: {
        unit: 'us, median of each round',
        ratios: latency,
        [ours]: spread(mine.latencies),
        nats: spread(nats.latencies),
      },
    },
  };
}

class Side {
  readonly rates: number[] = [];
  readonly latencies: number[] = [];
  lost = 0;
}

const ratios = (mine: readonly number[], other: readonly number[]) =>
  spread(mine.map((value, round) => value / (other[round] ?? Number.NaN)));
