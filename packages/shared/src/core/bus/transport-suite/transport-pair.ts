import assert from 'node:assert/strict';
import { MessageBusClient } from '../message-bus-client.ts';
import type { Transport } from '../transports/transport.ts';

/** Makes a transport under test, and the function that closes it. */
export type TransportFixture = () => Promise<{
  readonly transport: Transport;
  /** The transport of the subscribing client, if it is another one, such as that of another node. Default: `transport`. */
  readonly subscriberTransport?: Transport;
  readonly close: () => Promise<void>;
}>;

type Received = readonly [topic: string, message: unknown];

/** Runs a test with two clients, and closes both afterwards. */
export type WithPair = (work: (pair: Pair) => Promise<void>) => Promise<void>;

export function pairFrom(fixture: TransportFixture): WithPair {
  return async (work) => {
    const { transport, subscriberTransport = transport, close } = await fixture();
    const pair = new Pair(transport, subscriberTransport);
    try {
      await pair.connect();
      await work(pair);
    } finally {
      await pair.close();
      await close();
    }
  };
}

/** Two clients of one transport, or of two that are connected, and the messages that the second has received. */
export class Pair {
  readonly transport: Transport;
  readonly publisher: MessageBusClient;
  readonly subscriber: MessageBusClient;
  readonly #received = new Map<string, Received[]>();
  #waiting: { readonly count: number; readonly resolve: () => void } | undefined;
  #total = 0;

  constructor(transport: Transport, subscriberTransport: Transport) {
    this.transport = transport;
    this.publisher = new MessageBusClient({ source: 'publisher', transport });
    this.subscriber = new MessageBusClient({
      source: 'subscriber',
      transport: subscriberTransport,
      onError: () => {},
    });
  }

  async connect(): Promise<void> {
    await this.publisher.connect();
    await this.subscriber.connect();
  }

  async close(): Promise<void> {
    await this.publisher.close();
    await this.subscriber.close();
  }

  async record(pattern: string): Promise<void> {
    const list: Received[] = [];
    this.#received.set(pattern, list);
    await this.subscriber.subscribe(pattern, (topic, message) => {
      list.push([topic, message]);
      this.#total += 1;
      if (this.#waiting !== undefined && this.#total >= this.#waiting.count) this.#waiting.resolve();
    });
  }

  of(pattern: string): readonly Received[] {
    return this.#received.get(pattern) ?? [];
  }

  /** Resolves when `count` messages have been recorded; rejects if there are more. */
  async count(count: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting = { count, resolve };
    if (this.#total >= count) resolve();
    await promise;
    assert.equal(this.#total, count);
  }
}
