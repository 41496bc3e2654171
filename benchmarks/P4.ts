/**
 * P4: messages of 200 bytes from one process to another, encrypted by CURVE: through the broker, with its rights, beside
 * bare zeromq.js PUB → proxy → SUB, one message a send. Publisher, broker and subscriber are processes of their own on
 * both sides, everything over TCP on loopback. Delivered messages are counted by the subscriber, published ones by the
 * publisher.
 *
 * Saturated: as fast as the publisher may; messages/s as the subscriber sees them, from the first to the last. One in
 * flight: the next is published once the last has arrived, which is told over a pipe; microseconds from the call to the
 * handler by the system's monotonic clock.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type BenchmarkOutcome, spread } from './benchmark.ts';
import type { Answer, Order, Role, Side } from './bus-process.ts';

const ROUNDS = 5;
const SATURATED = { broker: 400_000, bare: 150_000 } as const;
const ONE_BY_ONE = 2_000;

const PROCESS = fileURLToPath(new URL('./bus-process.ts', import.meta.url));

/** One of the processes. */
class Member {
  readonly #child: ChildProcess;

  constructor(side: Side, role: Role, options: unknown) {
    this.#child = fork(PROCESS, [side, role, JSON.stringify(options)], {
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
  }

  async answer(): Promise<Answer> {
    const [answer] = (await once(this.#child, 'message')) as [Answer];
    return answer;
  }

  send(order: Order): void {
    this.#child.send(order);
  }

  async ask(order: Order): Promise<Answer> {
    const answer = this.answer();
    this.send(order);
    return await answer;
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }
}

/** The three processes of one side. */
class Line implements AsyncDisposable {
  readonly #side: Side;
  readonly #middle: Member;
  readonly #publisher: Member;
  readonly #subscriber: Member;

  private constructor(side: Side, middle: Member, publisher: Member, subscriber: Member) {
    this.#side = side;
    this.#middle = middle;
    this.#publisher = publisher;
    this.#subscriber = subscriber;
  }

  static async open(side: Side): Promise<Line> {
    const middle = new Member(side, 'middle', {});
    const { place } = await middle.answer();
    const subscriber = new Member(side, 'subscriber', place);
    await subscriber.answer();
    const publisher = new Member(side, 'publisher', place);
    await publisher.answer();
    return new Line(side, middle, publisher, subscriber);
  }

  async saturate() {
    const total = SATURATED[this.#side];
    await this.#subscriber.ask({ name: 'expect', total });
    const counted = this.#subscriber.answer();
    await this.#publisher.ask({ name: 'saturate', total });
    // The bare side may lose the last one: it is told when to stop counting.
    this.#subscriber.send({ name: 'finish' });
    const { received = 0, seconds = Number.NaN } = await counted;
    return { rate: received / seconds, lost: total - received };
  }

  async oneByOne(): Promise<number> {
    const latencies: number[] = [];
    for (let n = 0; n < ONE_BY_ONE; n += 1) {
      const arrived = this.#subscriber.answer();
      this.#publisher.send({ name: 'one' });
      const { microseconds = Number.NaN } = await arrived;
      latencies.push(microseconds);
    }
    // The first ones pay for compilation.
    return spread(latencies.slice(ONE_BY_ONE / 10)).median;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#publisher.end(), this.#subscriber.end(), this.#middle.end()]);
  }
}

export async function benchmark(): Promise<BenchmarkOutcome> {
  const rates = { broker: [] as number[], bare: [] as number[] };
  const lost = { broker: 0, bare: 0 };
  const latencies = { broker: [] as number[], bare: [] as number[] };
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const side of ['bare', 'broker'] as const) {
      await using line = await Line.open(side);
      latencies[side].push(await line.oneByOne());
      const outcome = await line.saturate();
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
