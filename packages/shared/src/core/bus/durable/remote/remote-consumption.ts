import { randomUUID } from 'node:crypto';
import { type Backoff, backoffDelay, pause } from '../../../tasks/index.ts';
import { RequestFailedError } from '../../errors.ts';
import { storedReasonOf } from '../failure-reason.ts';
import type { ConsumeOptions, Consumption, DeliveryState, StoredMessage } from '../types.ts';
import { DurableRefusedError, RemoteTransactionError } from './errors.ts';
import type { StoreConnection } from './store-connection.ts';
import {
  CONSUMPTION_ENDED,
  DURABLE_TOPICS,
  type OpenRequest,
  type PullAnswer,
  type PulledMessage,
  type PullRequest,
  readBody,
  readPullAnswer,
  type SettleRequest,
} from './wire.ts';

/** Handles one message of a consumer. */
export type RemoteHandler = (
  message: StoredMessage & { readonly timeMs: number },
  delivery: DeliveryState,
) => Promise<void>;

interface RemoteConsumptionOptions {
  readonly connection: StoreConnection;
  readonly pattern: string;
  readonly consumer: string;
  readonly handler: RemoteHandler;
  readonly options: ConsumeOptions;
}

interface InFlight {
  readonly number: number;
  readonly attempt: number;
  readonly work: Promise<void>;
}

const ASK_MS = 5_000;
/** Milliseconds that a pull may stay open. */
const WAIT_MS = 20_000;
const RETRY: Backoff = { minDelayMs: 20, maxDelayMs: 2_000 };

/**
 * Consumes the messages of a store in another process: pulls them, calls the handler and settles each. If a broken connection
 * made the broker end the consumption, it is opened again once the messages in flight have been handled.
 */
export class RemoteConsumption implements Consumption {
  readonly consumer: string;
  readonly #options: RemoteConsumptionOptions;
  /** Stays the same when the consumption is opened again, so that a lost answer does not leave a second one at the broker. */
  readonly #id = randomUUID();
  readonly #stopping = new AbortController();
  /** The keys are number and attempt. */
  readonly #inFlight = new Map<string, InFlight>();
  readonly #idle: (() => void)[] = [];
  /** Ends the pending pull, so that a new one can begin. */
  #interrupt = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(options: RemoteConsumptionOptions) {
    this.consumer = options.consumer;
    this.#options = options;
  }

  /** @throws when the broker refuses the consumption */
  async open(): Promise<void> {
    await this.#sendOpen();
    this.#running = this.#run();
  }

  async whenIdle(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    await new Promise<void>((resolve) => {
      this.#idle.push(resolve);
      this.#interrupt.abort();
    });
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await this.#whenHandled();
    for (const resolve of this.#idle.splice(0)) resolve();
    // An error is ignored: when the connection is broken, the broker ends the consumption by itself.
    await this.#ask(DURABLE_TOPICS.close, { consumption: this.#id }).catch(() => {});
  }

  async #sendOpen(): Promise<void> {
    const { pattern, consumer, options } = this.#options;
    const { maxInFlight, maxAttempts, retryDelayMs, from } = options;
    const request: OpenRequest = {
      consumption: this.#id,
      pattern,
      consumer,
      ...(maxInFlight === undefined ? {} : { maxInFlight }),
      ...(maxAttempts === undefined ? {} : { maxAttempts }),
      ...(retryDelayMs === undefined ? {} : { retryDelayMs }),
      ...(from === undefined ? {} : { from }),
    };
    await this.#ask(DURABLE_TOPICS.open, request);
  }

  async #run(): Promise<void> {
    let failures = 0;
    while (!this.#stopping.signal.aborted) {
      try {
        await this.#pull();
        failures = 0;
      } catch (error) {
        if (this.#stopping.signal.aborted) return;
        if (this.#interrupt.signal.aborted) continue;
        failures += 1;
        await this.#pause(failures);
        if (isEnded(error)) await this.#reopen();
      }
    }
  }

  async #pull(): Promise<void> {
    this.#interrupt = new AbortController();
    const { signal } = this.#interrupt;
    const idle = this.#idle.length > 0;
    const waiting = this.#idle.length;
    const request: PullRequest = {
      consumption: this.#id,
      holding: [...this.#inFlight.values()].map(({ number, attempt }) => ({ number, attempt })),
      waitMs: WAIT_MS,
      ...(idle ? { idle } : {}),
    };
    const content = await this.#ask(DURABLE_TOPICS.pull, request, WAIT_MS + ASK_MS, [
      signal,
      this.#stopping.signal,
    ]);
    const answer: PullAnswer | undefined = readPullAnswer(content);
    if (answer === undefined) throw new DurableRefusedError(this.#options.pattern, undefined, content);
    for (const message of answer.messages) this.#start(message);
    if (answer.idle && idle && this.#inFlight.size === 0)
      for (const resolve of this.#idle.splice(0, waiting)) resolve();
  }

  #start(message: PulledMessage): void {
    const { number, attempt } = message;
    const key = `${number}.${attempt}`;
    if (this.#inFlight.has(key)) return;
    const work = this.#handle(message).finally(() => this.#inFlight.delete(key));
    this.#inFlight.set(key, { number, attempt, work });
  }

  async #whenHandled(): Promise<void> {
    await Promise.all([...this.#inFlight.values()].map(({ work }) => work));
  }

  async #handle(message: PulledMessage): Promise<void> {
    const { number, attempt, id, type, source, time, datacontenttype, traceparent } = message;
    const { signal } = this.#stopping;
    const ack = (): Promise<void> => Promise.reject(new RemoteTransactionError());
    let request: SettleRequest = { consumption: this.#id, number, attempt, ok: true };
    try {
      await this.#options.handler(
        {
          id,
          topic: type,
          source,
          contentType: datacontenttype,
          traceparent,
          timeMs: time,
          body: readBody(message),
        },
        { number, attempt, signal, ack },
      );
    } catch (error) {
      request = { ...request, ok: false, reason: storedReasonOf(error) };
    }
    await this.#settle(request);
  }

  /** Retries until the broker answers, or has ended the consumption; in that case the message is delivered again. */
  async #settle(request: SettleRequest): Promise<void> {
    for (let failures = 1; ; failures += 1) {
      try {
        await this.#ask(DURABLE_TOPICS.settle, request);
        return;
      } catch (error) {
        if (isEnded(error) || this.#stopping.signal.aborted) return;
        await this.#pause(failures);
      }
    }
  }

  async #reopen(): Promise<void> {
    // Otherwise the messages in flight would be delivered a second time.
    await this.#whenHandled();
    await this.#sendOpen().catch(() => {});
  }

  /** Sends a request that ends early when the connection breaks, since it would not be answered. */
  #ask(
    topic: string,
    message: unknown,
    timeoutMs = ASK_MS,
    ends: readonly AbortSignal[] = [],
  ): Promise<unknown> {
    const { connection } = this.#options;
    const signals = connection.lost === undefined ? ends : [...ends, connection.lost];
    return connection.request(topic, message, {
      timeoutMs,
      ...(signals.length === 0 ? {} : { signal: AbortSignal.any([...signals]) }),
    });
  }

  async #pause(failures: number): Promise<void> {
    await pause(backoffDelay(failures, RETRY), this.#stopping.signal);
  }
}

function isEnded(error: unknown): boolean {
  return error instanceof RequestFailedError && error.remoteCode === CONSUMPTION_ENDED;
}
