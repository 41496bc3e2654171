import { matchesTopic } from '@aico/protocol';
import {
  type BusTransaction,
  type Consumption,
  type DeliveryState,
  storedReasonOf,
} from '../../core/bus/index.ts';
import type { Logger } from '../../core/logging/types.ts';
import { type Backoff, backoffDelay, isNoteworthy, pause } from '../../core/tasks/index.ts';
import { AcknowledgementRolledBackError, DeliveryEndedError } from './errors.ts';
import {
  type DeliveryAttempt,
  type NumberedMessage,
  type StreamStore,
  transactionOf,
} from './stream-store.ts';

/** Handles one message of a consumer. */
export type StreamHandler = (message: NumberedMessage, delivery: DeliveryState) => Promise<void>;

interface StreamConsumerOptions {
  readonly store: StreamStore;
  readonly consumer: string;
  readonly pattern: string;
  readonly handler: StreamHandler;
  readonly maxInFlight: number;
  readonly maxAttempts: number;
  readonly retryDelayMs: number;
  /** The number of the last message that was handed out: it and those before it are settled or wait to be retried. */
  readonly handedOut: number;
  readonly now: () => number;
  readonly random: () => number;
  readonly logger: Logger | undefined;
  readonly onStopped: () => void;
}

const BATCH = 64;
/** The delays between attempts while the store fails. */
const STORE_BACKOFF: Backoff = { minDelayMs: 100, maxDelayMs: 5_000 };
const LONGEST_RETRY_MS = 300_000;
/** The longest sleep, which bounds the delay after a missed notification. */
const LONGEST_SLEEP_MS = 5_000;
/** The limit of handled messages that are not stored as settled yet. After a crash they are delivered again. */
const MAX_UNSETTLED = 64;
/** The number of records of single settled messages at which they are replaced by a higher floor. */
const TIDY_AFTER = 256;

/**
 * Delivers the messages of one consumer to its handler: new ones in order, failed ones when they are due. It stores that a
 * message is in flight before the handler sees it, so that a crash loses nothing and counts the attempt.
 *
 * Its writes are proportional to the work: messages that were handled during a commit are settled together by the next one, and
 * looking for retries writes nothing.
 */
export class StreamConsumer implements Consumption {
  readonly consumer: string;
  readonly #options: StreamConsumerOptions;
  readonly #stopping = new AbortController();
  readonly #inFlight = new Map<number, { readonly work: Promise<void>; readonly isRetry: boolean }>();
  readonly #waitingNew: NumberedMessage[] = [];
  readonly #idle: (() => void)[] = [];
  /** Handled messages, which the next commit settles. */
  readonly #handled: DeliveryAttempt[] = [];
  #settling: Promise<void> | undefined;
  #cursor: number;
  /** The number of messages that are stored as settled one by one. */
  #settledOneByOne = 0;
  /** The store may contain messages to retry. */
  #retriesMayWait = true;
  /** Failures of the store since its last success. */
  #refusals = 0;
  #wake: () => void = () => {};
  #isNotified = true;
  readonly #running: Promise<void>;
  #stopped: Promise<void> | undefined;

  constructor(options: StreamConsumerOptions) {
    this.consumer = options.consumer;
    this.#options = options;
    this.#cursor = options.handedOut;
    this.#running = this.#run();
  }

  /** Tells the consumer that there may be new messages, and with `retries` also messages to retry. */
  notify({ retries = false } = {}): void {
    this.#retriesMayWait ||= retries;
    this.#isNotified = true;
    this.#wake();
  }

  async whenIdle(): Promise<void> {
    if (this.#stopped !== undefined) return this.#stopped;
    await new Promise<void>((resolve) => {
      this.#idle.push(resolve);
      this.notify();
    });
  }

  /** Ends deliveries and waits for running handlers. Afterwards another consumer can take the name. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#stopping.abort();
    this.#wake();
    await this.#running;
    await Promise.all([...this.#inFlight.values()].map(({ work }) => work));
    await this.#settling;
    this.#options.onStopped();
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#insist('The message store does not answer', async () => {
        this.#isNotified = false;
        await this.#handOut();
        await this.#rest();
      });
    }
  }

  /** Delivers messages up to `maxInFlight`: first due retries, then new messages. */
  async #handOut(): Promise<void> {
    const { store, maxInFlight, now } = this.#options;
    const { signal } = this.#stopping;
    const room = maxInFlight - this.#inFlight.size;
    if (room === 0 || this.#isHeldUp) return;
    if (this.#retriesMayWait) {
      const due = await store.leaseDue(this.consumer, now(), now() + 2 * LONGEST_RETRY_MS, room);
      for (const message of due)
        this.#start(message, { number: message.number, attempt: message.attempts, isRetry: true });
    }
    while (!signal.aborted && this.#inFlight.size < maxInFlight && !this.#isHeldUp) {
      if (this.#waitingNew.length === 0 && !(await this.#fetch())) return;
      const message = this.#waitingNew.shift();
      if (message !== undefined) this.#start(message, { number: message.number, attempt: 1, isRetry: false });
    }
  }

  /** Whether deliveries pause because the store does not settle handled messages. */
  get #isHeldUp(): boolean {
    return this.#handled.length >= MAX_UNSETTLED || (this.#settling !== undefined && this.#refusals > 0);
  }

  /** Reads the next new messages. @returns whether there were any */
  async #fetch(): Promise<boolean> {
    const { store, pattern } = this.#options;
    const single = /[*>]/.test(pattern) ? undefined : pattern;
    const messages = await store.after(this.#cursor, BATCH, single);
    const last = messages.at(-1);
    if (last === undefined) return false;
    const wanted = messages.filter(({ topic }) => single !== undefined || matchesTopic(pattern, topic));
    if (wanted.length > 0) await store.noteHandedOut(this.consumer, last.number);
    this.#cursor = last.number;
    this.#waitingNew.push(...wanted);
    return true;
  }

  #start(message: NumberedMessage, delivery: DeliveryAttempt): void {
    const work = this.#deliver(message, delivery).finally(() => {
      this.#inFlight.delete(delivery.number);
      this.notify();
    });
    this.#inFlight.set(delivery.number, { work, isRetry: delivery.isRetry });
  }

  async #deliver(message: NumberedMessage, delivery: DeliveryAttempt): Promise<void> {
    const { store, handler, maxAttempts } = this.#options;
    const { signal } = this.#stopping;
    const { number, attempt, isRetry } = delivery;
    let acknowledgement: 'none' | 'pending' | 'durable' = 'none';
    const state = () => acknowledgement;
    let over = false;
    const ack = async (tx: BusTransaction): Promise<void> => {
      if (over) throw new DeliveryEndedError(this.consumer, number);
      await store.settle(this.consumer, number, isRetry, transactionOf(tx));
      acknowledgement = 'pending';
      tx.afterCommit(() => {
        acknowledgement = 'durable';
      });
    };
    let failure: unknown;
    try {
      if (attempt > maxAttempts) throw new Error('the process died repeatedly while it handled this message');
      await handler(message, { number, attempt, signal, ack });
      // If the transaction is still open, the store decides whether its commit or the retry comes first.
      if (state() === 'pending') throw new AcknowledgementRolledBackError(this.consumer, number);
    } catch (error) {
      failure = error ?? new Error('the handler rejected without a reason');
    }
    over = true;
    if (state() === 'durable') {
      this.#settledOneByOne += 1;
      if (failure !== undefined)
        this.#options.logger?.error('A handler failed after its message was acknowledged', {
          consumer: this.consumer,
          number,
          error: failure,
        });
    } else if (failure === undefined) this.#settleSoon(delivery);
    else {
      await this.#insist('A failed message could not be stored', () => this.#conclude(delivery, failure));
      this.#settledOneByOne += 1;
      this.#retriesMayWait = true;
    }
  }

  /** Adds a handled message to those that the next commit settles. */
  #settleSoon(delivery: DeliveryAttempt): void {
    this.#inFlight.delete(delivery.number);
    this.#handled.push(delivery);
    this.#settling ??= this.#settle();
  }

  async #settle(): Promise<void> {
    const { store } = this.#options;
    do {
      const handled = [...this.#handled];
      const floor = this.#settledUpTo(handled);
      const settledOneByOne = this.#settledOneByOne;
      const isTidying = settledOneByOne > 0 && (settledOneByOne >= TIDY_AFTER || this.#inFlight.size === 0);
      await this.#insist('Messages could not be settled', async () => {
        await store.settleHandled(this.consumer, handled, floor, isTidying);
        if (isTidying) this.#settledOneByOne -= settledOneByOne;
      });
      this.#settledOneByOne += handled.filter(({ number, isRetry }) => !isRetry && number > floor).length;
      this.#handled.splice(0, handled.length);
    } while (this.#handled.length > 0);
    this.#settling = undefined;
    this.notify();
  }

  /** The number up to which all messages are settled once `handled` are. */
  #settledUpTo(handled: readonly DeliveryAttempt[]): number {
    const open = [
      ...[...this.#inFlight].flatMap(([number, { isRetry }]) => (isRetry ? [] : [number])),
      ...this.#handled.slice(handled.length).flatMap(({ number, isRetry }) => (isRetry ? [] : [number])),
      ...this.#waitingNew.slice(0, 1).map(({ number }) => number),
    ];
    return Math.min(this.#cursor, ...open.map((number) => number - 1));
  }

  async #conclude(delivery: DeliveryAttempt, failure: unknown): Promise<void> {
    const { store, maxAttempts, now, logger } = this.#options;
    const { number, attempt } = delivery;
    const { consumer } = this;
    const reason = storedReasonOf(failure);
    if (attempt >= maxAttempts) {
      await store.bury(consumer, delivery, now(), reason);
      logger?.error('A message became a dead letter', { consumer, number, attempt, error: failure });
      return;
    }
    await store.retryLater(consumer, delivery, now() + this.#delay(attempt), reason);
    logger?.warn('A message will be delivered again', { consumer, number, attempt, error: failure });
  }

  /**
   * Repeats `work` until it succeeds, the delivery has ended or the consumer stops, so that no message is handled twice because
   * the disk is full. Each delay is a timer that no notification shortens: a store that fails at once would otherwise starve
   * the event loop.
   */
  async #insist(complaint: string, work: () => Promise<void>): Promise<void> {
    const { logger, random } = this.#options;
    for (let failures = 1; ; failures += 1) {
      try {
        await work();
        this.#refusals = 0;
        return;
      } catch (error) {
        if (error instanceof DeliveryEndedError || this.#stopping.signal.aborted) return;
        this.#refusals += 1;
        if (isNoteworthy(this.#refusals))
          logger?.warn(complaint, { consumer: this.consumer, refusals: this.#refusals, error });
        await pause(backoffDelay(failures, STORE_BACKOFF, random), this.#stopping.signal);
      }
    }
  }

  #delay(attempt: number): number {
    const { retryDelayMs, random } = this.#options;
    return backoffDelay(attempt, { minDelayMs: retryDelayMs, maxDelayMs: LONGEST_RETRY_MS }, random);
  }

  /** Waits for a notification or the next due retry, at most `LONGEST_SLEEP_MS`. */
  async #rest(): Promise<void> {
    const { now, maxInFlight } = this.#options;
    if (this.#settledOneByOne >= TIDY_AFTER) this.#settling ??= this.#settle();
    if (this.#inFlight.size >= maxInFlight || this.#isHeldUp) {
      // The end of a delivery or of a settlement notifies.
      await this.#sleep(undefined);
      return;
    }
    const isIdle = this.#inFlight.size === 0 && this.#waitingNew.length === 0 && !this.#isNotified;
    if (isIdle) {
      if (this.#settledOneByOne > 0) this.#settling ??= this.#settle();
      await this.#settling;
      if (this.#isNotified) return;
      for (const resolve of this.#idle.splice(0)) resolve();
    }
    const due = await this.#nextDue();
    const waitMs = due === undefined ? LONGEST_SLEEP_MS : Math.max(0, due - now());
    await this.#sleep(Math.min(waitMs, LONGEST_SLEEP_MS));
  }

  /** The time of the next retry. The store is read only while there may be one. */
  async #nextDue(): Promise<number | undefined> {
    if (!this.#retriesMayWait) return undefined;
    // Cleared before the read: a message that fails meanwhile sets it again.
    this.#retriesMayWait = false;
    const due = await this.#options.store.nextDue(this.consumer);
    this.#retriesMayWait ||= due !== undefined;
    return due;
  }

  /** Waits for a notification, at most `ms` if given. */
  async #sleep(ms: number | undefined): Promise<void> {
    if (this.#isNotified || this.#stopping.signal.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = ms === undefined ? undefined : setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = () => {};
  }
}
