import { DataBoundsError, MAX_MESSAGE_BYTES, parsePattern, parseTopic } from '@aico/protocol';
import type {
  BusTransaction,
  ConsumeOptions,
  Consumption,
  DurableStore,
  StoredMessage,
} from '../../core/bus/index.ts';
import type { Logger } from '../../core/logging/types.ts';
import type { ColumnSeal } from '../sealed/column-seal.ts';
import type { Database } from '../types.ts';
import {
  ConsumerStateError,
  ConsumerTakenError,
  DeadLetterUnknownError,
  StreamsStoppedError,
} from './errors.ts';
import { MIGRATIONS, OWNER } from './schema.ts';
import { StreamConsumer, type StreamHandler } from './stream-consumer.ts';
import {
  type ConsumerFigures,
  type DeadLetter,
  type StreamFigures,
  StreamInspection,
  type StreamSummary,
} from './stream-inspection.ts';
import { type Retention, StreamRetention } from './stream-retention.ts';
import { StreamStore, transactionOf } from './stream-store.ts';

export interface DurableStreamsOptions {
  readonly database: Database;
  /** Seals the bodies of messages; needed where the engine does not encrypt the whole store. */
  readonly seal?: ColumnSeal | undefined;
  readonly retention?: Retention;
  readonly logger?: Logger;
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly now?: () => number;
  /** The clock that decides which messages are too old to keep. Default: `now`. */
  readonly retentionClock?: { now(): number };
  /** From 0 up to 1, for the jitter of redelivery. Default `Math.random`. */
  readonly random?: () => number;
}

/**
 * The durable part of the bus, in the encrypted database: messages are numbered in commit order and delivered to each consumer
 * until it has acknowledged them. Unsettled messages of a consumer are kept while it runs, and afterwards as {@link Retention}
 * defines.
 *
 * @example
 * ```ts
 * const streams = new DurableStreams({ database });
 * await streams.start();
 * const bus = new MessageBusClient({ source: 'backend', transport, durable: streams });
 * ```
 */
export class DurableStreams implements DurableStore {
  readonly #store: StreamStore;
  readonly #inspection: StreamInspection;
  readonly #retention: StreamRetention;
  readonly #options: DurableStreamsOptions;
  readonly #now: () => number;
  readonly #consumers = new Map<string, StreamConsumer | undefined>();
  #isStopped = false;

  constructor(options: DurableStreamsOptions) {
    this.#options = options;
    this.#store = new StreamStore(options.database, options.seal);
    this.#inspection = new StreamInspection(options.database);
    this.#retention = new StreamRetention(options.database, options.retention);
    this.#now = options.now ?? Date.now;
  }

  async start(): Promise<void> {
    await this.#options.database.migrate(OWNER, MIGRATIONS);
  }

  /** Stops every consumer. One that is being started fails with {@link StreamsStoppedError}. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all([...this.#consumers.values()].map((consumer) => consumer?.stop()));
  }

  /**
   * Stores a message. Its topic and size are checked here, because a message that cannot be matched or delivered would block
   * those behind it.
   *
   * @throws {TopicInvalidError} @throws {DataBoundsError} @throws {StreamTransactionError}
   */
  async append(message: StoredMessage, tx: BusTransaction | undefined): Promise<void> {
    parseTopic(message.topic);
    if (message.body.length > MAX_MESSAGE_BYTES)
      throw new DataBoundsError(`the message for "${message.topic}"`, 'bytes', MAX_MESSAGE_BYTES);
    await this.#store.append(message, this.#now(), transactionOf(tx));
    if (tx === undefined) this.#notify();
    else tx.afterCommit(() => this.#notify());
  }

  /**
   * @throws {ConsumerTakenError} @throws {TopicInvalidError} when `pattern` is not one
   * @throws {StreamsStoppedError} after {@link stop}, or if it is called meanwhile
   */
  async consume(
    pattern: string,
    consumer: string,
    handler: StreamHandler,
    options: ConsumeOptions,
  ): Promise<Consumption> {
    parsePattern(pattern);
    if (this.#isStopped) throw new StreamsStoppedError(consumer);
    if (this.#consumers.has(consumer)) throw new ConsumerTakenError(consumer);
    this.#consumers.set(consumer, undefined);
    try {
      const handedOut = await this.#enrol(pattern, consumer, options.from ?? 'start');
      if (this.#isStopped) throw new StreamsStoppedError(consumer);
      const running = new StreamConsumer({
        store: this.#store,
        consumer,
        pattern,
        handler,
        handedOut,
        maxInFlight: options.maxInFlight ?? 1,
        maxAttempts: options.maxAttempts ?? 8,
        retryDelayMs: options.retryDelayMs ?? 500,
        now: this.#now,
        random: this.#options.random ?? Math.random,
        logger: this.#options.logger,
        onStopped: () => this.#consumers.delete(consumer),
      });
      this.#consumers.set(consumer, running);
      return running;
    } catch (error) {
      this.#consumers.delete(consumer);
      throw error;
    }
  }

  /** Counts of messages, and the progress of each consumer. */
  async figures(): Promise<StreamFigures> {
    const now = this.#retentionNow();
    const { consumers, ...rest } = await this.#inspection.figures();
    return {
      ...rest,
      consumers: consumers.map(({ seenMs, ...each }) => ({
        ...each,
        ...this.#presence(each.consumer, seenMs, now),
        holds: this.#consumers.has(each.consumer) || this.#retention.holds(seenMs, now),
      })),
    };
  }

  /** The figures that a health check needs, which cost little. */
  async summary(): Promise<StreamSummary> {
    const now = this.#retentionNow();
    const { consumers, ...rest } = await this.#inspection.summary();
    return {
      ...rest,
      consumers: consumers.map(({ consumer, seenMs }) => ({
        consumer,
        ...this.#presence(consumer, seenMs, now),
      })),
    };
  }

  #presence(consumer: string, seenMs: number, now: number): Pick<ConsumerFigures, 'running' | 'seenAt'> {
    const running = this.#consumers.has(consumer);
    return {
      running,
      seenAt: new Date(running || Number(seenMs) === 0 ? now : Number(seenMs)).toISOString(),
    };
  }

  /** The dead letters of one consumer or of all, the oldest first. @throws {ConsumerStateError} for an unknown consumer */
  async deadLetters(consumer: string | undefined, limit: number): Promise<readonly DeadLetter[]> {
    const found = await this.#inspection.deadLetters(consumer, limit);
    if (found.length === 0 && consumer !== undefined) await this.#checkDead(consumer);
    return found;
  }

  /**
   * Delivers dead letters to their consumer again: the one with this number, or all.
   *
   * @returns the number of dead letters
   * @throws {ConsumerStateError} for an unknown consumer
   * @throws {DeadLetterUnknownError} when the consumer has no dead letter of this number
   */
  async replayDead(consumer: string, number?: number): Promise<number> {
    const count = await this.#inspection.replayDead(consumer, number, this.#now());
    if (count === 0) await this.#checkDead(consumer, number);
    this.#notify({ retries: true });
    return count;
  }

  /** Deletes dead letters, with the parameters, result and errors of {@link replayDead}. */
  async dropDead(consumer: string, number?: number): Promise<number> {
    const count = await this.#inspection.dropDead(consumer, number);
    if (count === 0) await this.#checkDead(consumer, number);
    return count;
  }

  async #checkDead(consumer: string, number?: number): Promise<void> {
    if (!(await this.#inspection.knows(consumer))) throw new ConsumerStateError(consumer, 'unknown');
    if (number !== undefined) throw new DeadLetterUnknownError(consumer, number);
  }

  /**
   * Moves a consumer back to `number`: all messages after it are delivered again, settled or not.
   *
   * @throws {ConsumerStateError} for a consumer that is unknown or running
   */
  async rewind(consumer: string, number: number): Promise<void> {
    if (this.#consumers.has(consumer)) throw new ConsumerStateError(consumer, 'running');
    if (!(await this.#inspection.rewind(consumer, number))) throw new ConsumerStateError(consumer, 'unknown');
  }

  /** Deletes a consumer, so that no messages are kept for it. @throws {ConsumerStateError} as {@link rewind} */
  async forget(consumer: string): Promise<void> {
    if (this.#consumers.has(consumer)) throw new ConsumerStateError(consumer, 'running');
    if (!(await this.#inspection.forget(consumer))) throw new ConsumerStateError(consumer, 'unknown');
  }

  /** Deletes expired messages, as {@link Retention} defines. @returns the number of messages */
  async prune(): Promise<number> {
    const running = [...this.#consumers.keys()];
    const { messages, deadLetters } = await this.#retention.prune(running, this.#retentionNow());
    if (deadLetters > 0) this.#options.logger?.warn('Expired dead letters were deleted', { deadLetters });
    return messages;
  }

  #retentionNow(): number {
    return this.#options.retentionClock?.now() ?? this.#now();
  }

  /** Resolves when every message that is stored now has been handled by its consumers, or waits to be retried. */
  async whenIdle(): Promise<void> {
    await Promise.all([...this.#consumers.values()].map((consumer) => consumer?.whenIdle()));
  }

  /** The names of the running consumers. */
  get running(): readonly string[] {
    return [...this.#consumers.keys()];
  }

  /** Makes every consumer look for due messages, after the clock was moved. */
  wake(): void {
    this.#notify({ retries: true });
  }

  #notify(news?: { readonly retries: boolean }): void {
    for (const consumer of this.#consumers.values()) consumer?.notify(news);
  }

  /**
   * Registers or resumes a consumer. Messages that were in flight when the process died count as one attempt and are retried.
   * @returns the number after which it reads new messages
   */
  async #enrol(pattern: string, consumer: string, from: 'now' | 'start' | number): Promise<number> {
    return this.#options.database.transaction(async (tx) => {
      const known = await this.#store.consumer(consumer, tx);
      if (known === undefined) {
        const floor = from === 'now' ? await this.#store.last(tx) : from === 'start' ? 0 : from;
        await tx.execute(
          'INSERT INTO stream_consumer (name, pattern, floor, handed_out, seen_ms) VALUES (?, ?, ?, ?, ?)',
          [consumer, pattern, floor, floor, this.#retentionNow()],
        );
        return floor;
      }
      await this.#inspection.recover(tx, consumer, known, this.#now());
      if (!this.#retention.holds(known.seen_ms, this.#retentionNow()))
        tx.afterCommit(() =>
          this.#options.logger?.warn(
            'A consumer was absent for so long that messages it had not handled may have been deleted',
            {
              consumer,
              seenAt: new Date(known.seen_ms).toISOString(),
            },
          ),
        );
      await tx.execute('UPDATE stream_consumer SET pattern = ?, seen_ms = ? WHERE name = ?', [
        pattern,
        this.#retentionNow(),
        consumer,
      ]);
      return Math.max(known.handed_out, known.floor);
    });
  }
}
