/**
 * P4: messages of 200 bytes from one process to another through the broker with its rights, compared with bare zeromq.js (PUB,
 * proxy, SUB; one message for each send), both encrypted by CURVE. Publisher, broker and subscriber are separate processes on both
 * sides and use TCP on loopback. The subscriber counts delivered messages, the publisher published ones.
 *
 * Saturated: the publisher sends as fast as it can; the subscriber counts messages/s from the first message to the last.
 * One message in flight: the next one is published when the last has arrived, which the subscriber reports over a pipe; the
 * latency is in microseconds from the call to the handler, by the system's monotonic clock.
 */
import { type BenchmarkOutcome, spread } from './benchmark.ts';
import { BusLine } from './bus-load.ts';

const ROUNDS = 5;
const SATURATED = { broker: 400_000, bare: 150_000 } as const;

export async function benchmark(): Promise<BenchmarkOutcome> {
  const rates = { broker: [] as number[], bare: [] as number[] };
  const lost = { broker: 0, bare: 0 };
  const latencies = { broker: [] as number[], bare: [] as number[] };
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const side of ['bare', 'broker'] as const) {
      await using line = await BusLine.open(side);
      latencies[side].push(await line.oneByOne());
      const outcome = await line.saturate(SATURATED[side], 1);
      rates[side].push(outcome.rate);
      lost[side] += outcome.lost;
    }
  }
  const value = spread(rates.broker).median / spread(rates.bare).median;
  const latency = spread(latencies.broker).median / spread(latencies.bare).median;
  return {
    value,
    target: '>= 3 saturated with 0 lost, and p50 latency <= 1.5 x',
    ok: value >= 3 && lost.broker === 0 && latency <= 1.5,
    sides: {
      saturated: {
        unit: 'messages/s',
        broker: spread(rates.broker),
        bare: spread(rates.bare),
        brokerPublished: SATURATED.broker * ROUNDS,
        brokerLost: lost.broker,
        barePublished: SATURATED.bare * ROUNDS,
        bareLost: lost.bare,
      },
      oneInFlight: {
        unit: 'us, median of each round',
        ratio: latency,
        broker: spread(latencies.broker),
        bare: spread(latencies.bare),
      },
    },
  };
}
