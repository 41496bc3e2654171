import type { Consumption, DeliveryState, StoredMessage } from '@aico/shared/core/bus';
import {
  type PullAnswer,
  type PulledMessage,
  type PullRequest,
  type SettleRequest,
  writeBody,
} from '@aico/shared/core/bus/remote';
import { ConsumptionEndedError, DurableDeliveryError } from '../errors.ts';

/** Bytes of messages in one answer, in addition to the first message. */
const ANSWER_BYTES = 262_144;

interface InFlight {
  readonly message: PulledMessage;
  readonly bytes: number;
  readonly done: () => void;
  readonly failed: (error: Error) => void;
}

/**
 * One consumer in another process. Messages from the store wait here until the client has requested and settled them. It ends
 * with the client; unsettled messages are then delivered again.
 */
export class ServedConsumption {
  /** The largest answer that the client can be sent, in bytes. */
  readonly #limit: number;
  /** By number and attempt. */
  readonly #inFlight = new Map<string, InFlight>();
  #running: Promise<Consumption> | undefined;
  #stopped: Promise<void> | undefined;
  #wake: () => void = () => {};
  /** The number of the pending request, which a new one replaces. */
  #question = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * Begins: `consume` opens the consumption in the store with the handler `take`. A stop that comes meanwhile waits for that.
   *
   * @throws {ConsumptionEndedError} when it has been stopped meanwhile
   */
  async run(consume: () => Promise<Consumption>): Promise<void> {
    this.#running = consume();
    await this.#running;
    if (this.#stopped === undefined) return;
    await this.#stopped;
    throw new ConsumptionEndedError();
  }

  readonly take = async (
    stored: StoredMessage & { readonly timeMs: number },
    { number, attempt, signal }: DeliveryState,
  ): Promise<void> => {
    const { id, topic, source, contentType, traceparent, body, timeMs } = stored;
    const message: PulledMessage = {
      number,
      attempt,
      id,
      type: topic,
      source,
      time: timeMs,
      datacontenttype: contentType,
      ...(traceparent === undefined ? {} : { traceparent }),
      ...writeBody(body),
    };
    const bytes = Buffer.byteLength(JSON.stringify(message));
    if (bytes > this.#limit)
      throw new DurableDeliveryError(`it has ${bytes} bytes, and ${this.#limit} may be sent`);
    signal.throwIfAborted();
    const key = keyOf({ number, attempt });
    const settled = Promise.withResolvers<void>();
    const gone = (): void => settled.reject(new DurableDeliveryError('its consumer went away'));
    signal.addEventListener('abort', gone, { once: true });
    this.#inFlight.set(key, { message, bytes, done: settled.resolve, failed: settled.reject });
    this.#wake();
    try {
      await settled.promise;
    } finally {
      signal.removeEventListener('abort', gone);
      this.#inFlight.delete(key);
    }
  };

  /**
   * Returns messages that are not in flight at the client; waits for some up to `waitMs` or, with `idle`, until all are
   * settled.
   */
  async pull(holding: PullRequest['holding'], waitMs: number, idle: boolean): Promise<PullAnswer> {
    this.#question += 1;
    const question = this.#question;
    this.#wake();
    const held = new Set(holding.map(keyOf));
    let isIdle = false;
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.#wake();
    }, waitMs);
    if (idle)
      void this.#running
        ?.then((running) => running.whenIdle())
        .then(
          () => {
            isIdle = true;
            this.#wake();
          },
          // It did not begin, as `open` has already reported.
          () => {},
        );
    try {
      for (;;) {
        const messages = question === this.#question ? this.#unheld(held) : [];
        if (messages.length > 0 || isIdle || isLate || question !== this.#question)
          return { messages, idle: isIdle && messages.length === 0 };
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** Settles a message. One that is not in flight any more is ignored. */
  settle({ number, attempt, ok, reason }: Omit<SettleRequest, 'consumption'>): void {
    const inFlight = this.#inFlight.get(keyOf({ number, attempt }));
    if (ok) inFlight?.done();
    else inFlight?.failed(new DurableDeliveryError(printable(reason) ?? 'its consumer gave no reason'));
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#question += 1;
    this.#wake();
    const running = await this.#running?.catch(() => undefined);
    await running?.stop();
  }

  #unheld(held: ReadonlySet<string>): PulledMessage[] {
    const messages: PulledMessage[] = [];
    let total = 0;
    for (const [key, { message, bytes }] of this.#inFlight) {
      if (held.has(key)) continue;
      if (messages.length > 0 && total + bytes > Math.min(ANSWER_BYTES, this.#limit)) break;
      messages.push(message);
      total += bytes;
    }
    return messages;
  }
}

/** The reason as one line of text, since it is stored with the message and shown. */
function printable(reason: string | undefined): string | undefined {
  return reason?.toWellFormed().replaceAll(/\p{Cc}+/gu, ' ');
}

function keyOf({ number, attempt }: { readonly number: number; readonly attempt: number }): string {
  return `${number}.${attempt}`;
}
