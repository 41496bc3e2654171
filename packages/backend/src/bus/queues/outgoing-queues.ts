import { FrameMemory, FrameType, type FrameWriter, FULL_FRAME } from '@aico/shared/core/bus/frames';
import type { QueueOwner, RemoteSubscription } from './remote-subscription.ts';

/** Frames in flight above which messages are held back, to be packed with later ones. */
const PROMPT_FRAMES = 2;

/** After this number the frames of a connection are numbered from 1 again. */
const LAST_NUMBER = 0xffffffff;

interface SentFrame {
  readonly frame: Buffer;
  /** The part of it that belongs to subscriptions with policy `wait`. */
  readonly parts: readonly { readonly subscription: RemoteSubscription; readonly bytes: number }[];
}

interface OutgoingQueuesOptions {
  /** Bytes that may be in flight to the peer. */
  readonly window: number;
  /** Bytes that may be queued for the peer, over all its subscriptions. */
  readonly queueBytes: number;
  readonly writer: FrameWriter;
  /** Sends a DELIVER frame with `messages` messages. */
  readonly send: (frame: Buffer, messages: number) => void;
  /** Notes a request that the peer may answer. */
  readonly expectAnswer: QueueOwner['expectAnswer'];
  /** Called when queued messages cannot be sent: the connection must end. */
  readonly onFailure: (error: unknown) => void;
}

/** The queues of one peer's subscriptions, from which DELIVER frames are filled as far as the peer's window allows. */
export class OutgoingQueues implements QueueOwner {
  readonly subscriptions = new Map<number, RemoteSubscription>();
  readonly #options: OutgoingQueuesOptions;
  readonly #sent = new Map<number, SentFrame>();
  readonly #memory = new FrameMemory();
  #sentBytes = 0;
  #number = 0;
  #queuedBytes = 0;
  /** The subscription whose turn is next. */
  #turn = 0;
  #delivered = 0;

  constructor(options: OutgoingQueuesOptions) {
    this.#options = options;
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** The number of messages sent so far. */
  get delivered(): number {
    return this.#delivered;
  }

  /** The number of the last frame that was sent; 0 before the first. */
  get lastNumber(): number {
    return this.#number;
  }

  get room(): number {
    return this.#options.queueBytes - this.#queuedBytes;
  }

  queued(bytes: number): void {
    this.#queuedBytes += bytes;
  }

  expectAnswer(replyto: string, deadline: number | undefined): void {
    this.#options.expectAnswer(replyto, deadline);
  }

  relieve(): void {
    this.flush(true);
  }

  /** Handles the peer's confirmation of DELIVER frames. Returns `false` if one was not sent, or confirmed before. */
  acknowledged(numbers: readonly number[]): boolean {
    let areKnown = true;
    for (const number of numbers) {
      const sent = this.#sent.get(number);
      if (sent === undefined) {
        areKnown = false;
        continue;
      }
      this.#sent.delete(number);
      this.#sentBytes -= sent.frame.length;
      this.#memory.release(sent.frame);
      for (const { subscription, bytes } of sent.parts) subscription.inFlight -= bytes;
    }
    this.flush();
    return areKnown;
  }

  /** The peer has confirmed, or knows to be lost, all frames up to `last` except `open`. */
  settled(last: number, open: readonly number[]): void {
    const waiting = new Set(open);
    const numbers = [...this.#sent.keys()].filter((number) => number <= last && !waiting.has(number));
    if (numbers.length > 0) this.acknowledged(numbers);
  }

  /**
   * Sends queued messages, as far as the window allows; `isUrgent`: without holding messages back for a fuller frame. Never
   * throws, since it also runs while a frame of another peer is processed.
   */
  flush(isUrgent = false): void {
    try {
      this.#flush(isUrgent);
    } catch (error) {
      this.#options.writer.discard();
      this.#options.onFailure(error);
    }
  }

  /** Releases memory that is kept for further frames. */
  shrink(): void {
    this.#memory.clear();
  }

  #flush(isUrgent: boolean): void {
    const { window, writer } = this.#options;
    while (this.#queuedBytes > 0) {
      const isFull = this.#queuedBytes >= FULL_FRAME;
      if (this.#sent.size >= PROMPT_FRAMES && !isFull && !isUrgent) return;
      const expected = isFull ? FULL_FRAME : this.#queuedBytes;
      if (this.#sent.size > 0 && this.#sentBytes + expected > window) return;
      const before = this.#delivered;
      const parts = this.#fill(writer);
      if (writer.isEmpty) return;
      this.#number = (this.#number % LAST_NUMBER) + 1;
      const frame = writer.finish(FrameType.DELIVER, this.#number, this.#memory);
      this.#sent.set(this.#number, { frame, parts });
      this.#sentBytes += frame.length;
      this.#options.send(frame, this.#delivered - before);
    }
  }

  /**
   * Fills a frame from each subscription in turn, beginning after the last. The share of a subscription with policy `wait` is
   * limited, so that a blocked handler does not stop the others.
   */
  #fill(writer: FrameWriter): SentFrame['parts'] {
    const parts: SentFrame['parts'][number][] = [];
    const all = [...this.subscriptions.values()];
    const waiting = all.filter(({ isEmpty }) => !isEmpty);
    const share = this.#options.window / 2 / Math.max(1, all.filter(({ waits }) => waits).length);
    for (let visited = 0; visited < waiting.length && writer.length < FULL_FRAME; visited += 1) {
      this.#turn += 1;
      const subscription = waiting[this.#turn % waiting.length];
      if (subscription === undefined) continue;
      const room = subscription.waits ? share - subscription.inFlight : FULL_FRAME;
      if (room <= 0) continue;
      const before = writer.length;
      this.#delivered += subscription.drainInto(writer, Math.min(FULL_FRAME, before + room));
      if (!subscription.waits) continue;
      const bytes = writer.length - before;
      subscription.inFlight += bytes;
      parts.push({ subscription, bytes });
    }
    return parts;
  }
}
