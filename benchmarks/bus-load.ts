/** Runs the three processes of P4, P20 and P22, which carry messages of 200 bytes: publisher, broker and subscriber. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { spread } from './benchmark.ts';
import type { Answer, Order, Role, Side } from './bus-process.ts';

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
    this.#child.kill('SIGTERM');
    await exited;
  }
}

/** The three processes of one side. */
export class BusLine implements AsyncDisposable {
  readonly #middle: Member;
  readonly #publisher: Member;
  readonly #subscriber: Member;

  private constructor(middle: Member, publisher: Member, subscriber: Member) {
    this.#middle = middle;
    this.#publisher = publisher;
    this.#subscriber = subscriber;
  }

  static async open(side: Side, options: unknown = {}): Promise<BusLine> {
    const middle = new Member(side, 'middle', options);
    const { place } = await middle.answer();
    const subscriber = new Member(side, 'subscriber', place);
    await subscriber.answer();
    const publisher = new Member(side, 'publisher', place);
    await publisher.answer();
    return new BusLine(middle, publisher, subscriber);
  }

  /**
   * Publishes `total` messages as fast as possible, with `window` batches of 512 in flight. Returns the messages/s that the
   * subscriber counts, and the number of lost messages.
   */
  async saturate(total: number, window: number) {
    await this.#subscriber.ask({ name: 'expect', total });
    const counted = this.#subscriber.answer();
    await this.#publisher.ask({ name: 'saturate', total, window });
    // A side may lose the last message, so the subscriber gets an order to stop counting.
    this.#subscriber.send({ name: 'finish' });
    const { received = 0, seconds = Number.NaN } = await counted;
    return { rate: received / seconds, lost: total - received };
  }

  /** The median latency in microseconds with one message in flight. */
  async oneByOne(): Promise<number> {
    const latencies: number[] = [];
    for (let n = 0; n < ONE_BY_ONE; n += 1) {
      const arrived = this.#subscriber.answer();
      this.#publisher.send({ name: 'one' });
      const { microseconds = Number.NaN } = await arrived;
      latencies.push(microseconds);
    }
    // The first messages include compilation and do not count.
    return spread(latencies.slice(ONE_BY_ONE / 10)).median;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#publisher.end(), this.#subscriber.end()]);
    await this.#middle.end();
  }
}
