import {
  bye,
  dropped,
  FrameMemory,
  FrameType,
  type FrameWriter,
  FULL_FRAME,
  refused,
  writeAck,
} from '@aico/shared/core/bus/zeromq';
import type { Rights } from '../grants/rights.ts';
import type { OpenRequests } from './open-requests.ts';
import type { QueueOwner, RemoteSubscription } from './remote-subscription.ts';

/** Frames in flight above which messages are held back, to be packed with later ones. */
const PROMPT_FRAMES = 2;

interface SentFrame {
  readonly frame: Buffer;
  /** The part of it that belongs to subscriptions with policy `wait`. */
  readonly parts: readonly { readonly subscription: RemoteSubscription; readonly bytes: number }[];
}

export interface SessionOptions {
  readonly routingId: Buffer;
  readonly client: string;
  readonly rights: Rights;
  /** Bytes that may be in flight to the client. */
  readonly window: number;
  /** Bytes of PUBLISH frames that the client may send before they are confirmed. */
  readonly receiveWindow: number;
  /** Bytes that may be queued for the client, over all its subscriptions. */
  readonly queueBytes: number;
  readonly writer: FrameWriter;
  /** The requests that this client may answer. They survive a broken connection. */
  readonly openRequests: OpenRequests;
  readonly send: (frame: Buffer) => void;
  /** Called when queued messages cannot be sent: the session must end. */
  readonly onFailure: (error: unknown) => void;
}

/** One client that has proven its component. */
export class Session implements QueueOwner {
  readonly routingId: Buffer;
  readonly component: string;
  readonly client: string;
  readonly rights: Rights;
  readonly since = new Date();
  readonly subscriptions = new Map<number, RemoteSubscription>();
  readonly #options: SessionOptions;
  readonly #sent = new Map<number, SentFrame>();
  readonly #memory = new FrameMemory();
  #sentBytes = 0;
  #sentNumber = 0;
  #queuedBytes = 0;
  /** The subscription whose turn is next. */
  #turn = 0;
  #receivedNumber = 0;
  /** Bytes of unconfirmed PUBLISH frames. */
  #unconfirmedBytes = 0;
  #blockers = 0;
  #isAckDue = false;
  lastHeard = performance.now();
  lastSent = performance.now();
  published = 0;
  delivered = 0;
  refusals = 0;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.routingId = options.routingId;
    this.client = options.client;
    this.rights = options.rights;
    this.component = options.rights.component;
  }

  /** The topic prefix of answers to this client. */
  get replyPrefix(): string {
    return `_reply.${this.component}.${this.client}`;
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  // As the owner of its subscriptions' queues.
  get room(): number {
    return this.#options.queueBytes - this.#queuedBytes;
  }

  queued(bytes: number): void {
    this.#queuedBytes += bytes;
  }

  get openRequests(): OpenRequests {
    return this.#options.openRequests;
  }

  expectAnswer(replyto: string, deadline: number | undefined): void {
    this.openRequests.add(replyto, deadline);
  }

  relieve(): void {
    this.flush(true);
  }

  send(frame: Buffer): void {
    this.lastSent = performance.now();
    this.#options.send(frame);
  }

  /** Notes a PUBLISH frame. Returns the fault of an invalid one. */
  receive(number: number, bytes: number): string | undefined {
    if (number !== this.#receivedNumber + 1) return 'a PUBLISH out of order';
    // Without it a client could fill the queues of subscriptions that make publishers wait.
    if (this.#unconfirmedBytes > 0 && this.#unconfirmedBytes + bytes > this.#options.receiveWindow)
      return 'a PUBLISH beyond the window';
    this.#receivedNumber = number;
    this.#unconfirmedBytes += bytes;
    return undefined;
  }

  refuse(index: number, code: string, reason: string): void {
    this.refusals += 1;
    this.send(refused.write(FrameType.REFUSED, { frame: this.#receivedNumber, batch: index, code, reason }));
  }

  /** Delays the acknowledgement until `subscription` has room. */
  waitFor(subscription: RemoteSubscription): void {
    this.#blockers += 1;
    subscription.waiting.add(() => {
      this.#blockers -= 1;
      if (this.#blockers === 0 && this.#isAckDue) this.acknowledge();
    });
  }

  /** Delays the acknowledgement until `room` settles, too. */
  waitForLocal(room: Promise<unknown>): void {
    this.#blockers += 1;
    const go = (): void => {
      this.#blockers -= 1;
      if (this.#blockers === 0 && this.#isAckDue) this.acknowledge();
    };
    room.then(go, go);
  }

  /** Confirms everything received, at once or after the delays. */
  acknowledge(): void {
    this.#isAckDue = this.#blockers > 0;
    if (this.#isAckDue) return;
    this.#unconfirmedBytes = 0;
    this.send(writeAck([this.#receivedNumber]));
  }

  /** Handles the client's confirmation of DELIVER frames. Returns `false` if one was not sent, or confirmed before. */
  acknowledged(numbers: readonly number[]): boolean {
    for (const number of numbers) {
      const sent = this.#sent.get(number);
      if (sent === undefined) return false;
      this.#sent.delete(number);
      this.#sentBytes -= sent.frame.length;
      this.#memory.release(sent.frame);
      for (const { subscription, bytes } of sent.parts) subscription.inFlight -= bytes;
    }
    this.flush();
    return true;
  }

  /**
   * Sends queued messages, as far as the window allows; `isUrgent`: without holding messages back for a fuller frame. Never
   * throws, since it also runs while a frame of another client is processed.
   */
  flush(isUrgent = false): void {
    try {
      this.#flush(isUrgent);
    } catch (error) {
      this.#options.writer.discard();
      this.#options.onFailure(error);
    }
  }

  #flush(isUrgent: boolean): void {
    const { window, writer } = this.#options;
    while (this.#queuedBytes > 0) {
      const isFull = this.#queuedBytes >= FULL_FRAME;
      if (this.#sent.size >= PROMPT_FRAMES && !isFull && !isUrgent) return;
      const expected = isFull ? FULL_FRAME : this.#queuedBytes;
      if (this.#sent.size > 0 && this.#sentBytes + expected > window) return;
      const parts = this.#fill(writer);
      if (writer.isEmpty) return;
      this.#sentNumber += 1;
      const frame = writer.finish(FrameType.DELIVER, this.#sentNumber, this.#memory);
      this.#sent.set(this.#sentNumber, { frame, parts });
      this.#sentBytes += frame.length;
      this.send(frame);
    }
  }

  /** Releases memory that is kept for further frames. */
  shrink(): void {
    this.#memory.clear();
  }

  /** Reports drops since the last report. */
  reportDrops(): void {
    for (const subscription of this.subscriptions.values()) {
      if (subscription.dropped === subscription.reported) continue;
      subscription.reported = subscription.dropped;
      this.send(dropped.write(FrameType.DROPPED, { id: subscription.id, dropped: subscription.dropped }));
    }
  }

  sayBye(code: string, reason: string): void {
    this.send(bye.write(FrameType.BYE, { code, reason }));
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
      this.delivered += subscription.drainInto(writer, Math.min(FULL_FRAME, before + room));
      if (!subscription.waits) continue;
      const bytes = writer.length - before;
      subscription.inFlight += bytes;
      parts.push({ subscription, bytes });
    }
    return parts;
  }
}
