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
import { type NumberedMessage, type StreamStore, transactionOf } from './stream-store.ts';

/** Handles one message of a consumer. */
export type StreamHandler = (message: NumberedMessage, delivery: DeliveryState) => Promise<void>;

export interface StreamConsumerOptions {
  readonly store: StreamStore;
  readonly consumer: string;
  readonly pattern: string;
  readonly handler: StreamHandler;
  readonly maxInFlight: number;
  readonly maxAttempts: number;
  readonly retryDelayMs: number;
  /** Everything up to here has been handed out, and is settled or waits for another try. */
  readonly handedOut: number;
  readonly now: () => number;
  readonly random: () => number;
  readonly logger: Logger | undefined;
  readonly onStopped: () => void;
}

interface InHand {
  readonly number: number;
  readonly attempt: number;
  readonly isRetry: boolean;
}

const BATCH = 64;
/** The waits between the tries of a store that refuses. */
const STORE_BACKOFF: Backoff = { minDelayMs: 100, maxDelayMs: 5_000 };
const LONGEST_RETRY_MS = 300_000;
/** The longest sleep: a missed wake costs no more than this. */
const LONGEST_SLEEP_MS = 5_000;
/** Messages that were handled and are not stored as settled yet: after a crash they are delivered again. */
const MOST_UNSETTLED = 64;
/** Messages that are stored as settled one by one before the floor takes their place. */
const TIDY_AFTER = 256;

/**
 * Delivers the messages of one consumer to its handler: new ones in order, failed ones when they are due. It stores that a
 * message is in flight before the handler sees it, so that a crash loses nothing and counts the attempt.
 *
 * Its writes are proportional to the work: messages that were handled during a commit are settled together by the next one, and
 * a delivery without retries writes nothing.
 */
export class StreamConsumer implements Consumption {
  readonly consumer: string;
  readonly #options: StreamConsumerOptions;
  readonly #stopping = new AbortController();
  readonly #inHand = new Map<number, { readonly work: Promise<void>; readonly isRetry: boolean }>();
  readonly #waitingNew: NumberedMessage[] = [];
  readonly #idle: (() => void)[] = [];
  /** Handled, and to be settled by the next commit. */
  readonly #handled: InHand[] = [];
  #settling: Promise<void> | undefined;
  #cursor: number;
  /** Messages that are stored as settled one by one. */
  #settledOneByOne = 0;
  /** Messages may wait in the store to be delivered again. */
  #retriesMayWait = true;
  /** Refusals of the store since it last did what was asked. */
  #refusals = 0;
  #wake: () => void = () => {};
  #hasNews = true;
  readonly #running: Promise<void>;
  #stopped: Promise<void> | undefined;

  constructor(options: StreamConsumerOptions) {
    this.consumer = options.consumer;
    this.#options = options;
    this.#cursor = options.handedOut;
    this.#running = this.#run();
  }

  /** There may be something new; also among the retries, where `retries` says so. */
  notify({ retries = false } = {}): void {
    this.#retriesMayWait ||= retries;
    this.#hasNews = true;
    this.#wake();
  }

  async whenIdle(): Promise<void> {
    if (this.#stopped !== undefined) return this.#stopped;
    await new Promise<void>((resolve) => {
      this.#idle.push(resolve);
      this.notify();
    });
  }

  /** Once: after that another consumer may have its name. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#stopping.abort();
    this.#wake();
    await this.#running;
    await Promise.all([...this.#inHand.values()].map(({ work }) => work));
    await this.#settling;
    this.#options.onStopped();
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#insist('The message store does not answer', async () => {
        this.#hasNews = false;
        await this.#handOut();
        await this.#rest();
      });
    }
  }

  /** Delivers as many messages as there is room for: first those that are due, then new ones. */
  async #handOut(): Promise<void> {
    const { store, maxInFlight, now } = this.#options;
    const { signal } = this.#stopping;
    const room = maxInFlight - this.#inHand.size;
    if (room === 0 || this.#isHeldUp) return;
    if (this.#retriesMayWait) {
      const due = await store.leaseDue(this.consumer, now(), now() + 2 * LONGEST_RETRY_MS, room);
      for (const message of due)
        this.#start(message, { number: message.number, attempt: message.attempts, isRetry: true });
    }
    while (!signal.aborted && this.#inHand.size < maxInFlight && !this.#isHeldUp) {
      if (this.#waitingNew.length === 0 && !(await this.#fetch())) return;
      const message = this.#waitingNew.shift();
      if (message !== undefined) this.#start(message, { number: message.number, attempt: 1, isRetry: false });
    }
  }

  /** Nothing is handed out while the store does not take what was handled. */
  get #isHeldUp(): boolean {
    return this.#handled.length >= MOST_UNSETTLED || (this.#settling !== undefined && this.#refusals > 0);
  }

  /** @returns whether anything new was there */
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

  #start(message: NumberedMessage, inHand: InHand): void {
    const work = this.#deliver(message, inHand).finally(() => {
      this.#inHand.delete(inHand.number);
      this.notify();
    });
    this.#inHand.set(inHand.number, { work, isRetry: inHand.isRetry });
  }

  async #deliver(message: NumberedMessage, inHand: InHand): Promise<void> {
    const { store, handler, maxAttempts } = this.#options;
    const { signal } = this.#stopping;
    const { number, attempt, isRetry } = inHand;
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
      if (attempt > maxAttempts) throw new Error('the process died with it in hand, time after time');
      await handler(message, { number, attempt, signal, ack });
      // Where its transaction is still open, the store knows in the end which of the two came first.
      if (state() === 'pending') throw new AcknowledgementRolledBackError(this.consumer, number);
    } catch (error) {
      failure = error ?? new Error('the handler threw nothing');
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
    } else if (failure === undefined) this.#settleSoon(inHand);
    else {
      await this.#insist('A failed message could not be stored', () => this.#conclude(inHand, failure));
      this.#settledOneByOne += 1;
      this.#retriesMayWait = true;
    }
  }

  /** Has a handled message settled by the next commit. */
  #settleSoon(inHand: InHand): void {
    this.#inHand.delete(inHand.number);
    this.#handled.push(inHand);
    this.#settling ??= this.#settle();
  }

  async #settle(): Promise<void> {
    const { store } = this.#options;
    do {
      const handled = [...this.#handled];
      const floor = this.#settledUpTo(handled);
      const settledOneByOne = this.#settledOneByOne;
      const isTidying = settledOneByOne > 0 && (settledOneByOne >= TIDY_AFTER || this.#inHand.size === 0);
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

  /** The number up to which everything is settled once `handled` is. */
  #settledUpTo(handled: readonly InHand[]): number {
    const open = [
      ...[...this.#inHand].flatMap(([number, { isRetry }]) => (isRetry ? [] : [number])),
      ...this.#handled.slice(handled.length).flatMap(({ number, isRetry }) => (isRetry ? [] : [number])),
      ...this.#waitingNew.slice(0, 1).map(({ number }) => number),
    ];
    return Math.min(this.#cursor, ...open.map((number) => number - 1));
  }

  async #conclude(inHand: InHand, failure: unknown): Promise<void> {
    const { store, maxAttempts, now, logger } = this.#options;
    const { number, attempt } = inHand;
    const { consumer } = this;
    const reason = storedReasonOf(failure);
    if (attempt >= maxAttempts) {
      await store.bury(consumer, inHand, now(), reason);
      logger?.error('A message became a dead letter', { consumer, number, attempt, error: failure });
      return;
    }
    await store.retryLater(consumer, inHand, now() + this.#delay(attempt), reason);
    logger?.warn('A message will be delivered again', { consumer, number, attempt, error: failure });
  }

  /**
   * Does `work`, again and again until the store takes it, the delivery has ended or the consumer stops: what has been handled
   * is not handled again because the disk is full. Every wait is a timer that no message ends, because a store may refuse
   * at once, and a loop of promises alone would leave the event loop no turn.
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

  /** Waits for news, for what is due next, or for a while. */
  async #rest(): Promise<void> {
    const { now, maxInFlight } = this.#options;
    if (this.#settledOneByOne >= TIDY_AFTER) this.#settling ??= this.#settle();
    if (this.#inHand.size >= maxInFlight || this.#isHeldUp) {
      // The end of a delivery, or of a settlement, is news.
      await this.#sleep(undefined);
      return;
    }
    const isIdle = this.#inHand.size === 0 && this.#waitingNew.length === 0 && !this.#hasNews;
    if (isIdle) {
      if (this.#settledOneByOne > 0) this.#settling ??= this.#settle();
      await this.#settling;
      if (this.#hasNews) return;
      for (const resolve of this.#idle.splice(0)) resolve();
    }
    const due = await this.#nextDue();
    const waitMs = due === undefined ? LONGEST_SLEEP_MS : Math.max(0, due - now());
    await this.#sleep(Math.min(waitMs, LONGEST_SLEEP_MS));
  }

  /** When the next retry is due. The store is asked only while there may be one. */
  async #nextDue(): Promise<number | undefined> {
    if (!this.#retriesMayWait) return undefined;
    // Before the answer: a message that fails meanwhile says that there is one again.
    this.#retriesMayWait = false;
    const due = await this.#options.store.nextDue(this.consumer);
    this.#retriesMayWait ||= due !== undefined;
    return due;
  }

  /** Waits until there is news, at most `ms` where that is given. */
  async #sleep(ms: number | undefined): Promise<void> {
    if (this.#hasNews || this.#stopping.signal.aborted) return;
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
