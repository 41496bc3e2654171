import { bye, dropped, FrameType, type FrameWriter, refused, writeAck } from '@aico/shared/core/bus/frames';
import type { Rights } from '../grants/rights.ts';
import { OutgoingQueues } from '../queues/outgoing-queues.ts';
import type { RemoteSubscription } from '../queues/remote-subscription.ts';
import type { OpenRequests } from './open-requests.ts';

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
export class Session {
  readonly routingId: Buffer;
  readonly component: string;
  readonly client: string;
  readonly rights: Rights;
  readonly since = new Date();
  readonly queues: OutgoingQueues;
  readonly #options: SessionOptions;
  #receivedNumber = 0;
  /** Bytes of unconfirmed PUBLISH frames. */
  #unconfirmedBytes = 0;
  #blockers = 0;
  #isAckDue = false;
  lastHeard = performance.now();
  lastSent = performance.now();
  published = 0;
  refusals = 0;

  constructor(options: SessionOptions) {
    const { routingId, client, rights, window, queueBytes, writer, openRequests, onFailure } = options;
    this.#options = options;
    this.routingId = routingId;
    this.client = client;
    this.rights = rights;
    this.component = rights.component;
    this.queues = new OutgoingQueues({
      window,
      queueBytes,
      writer,
      send: (frame) => this.send(frame),
      expectAnswer: (replyto, deadline) => openRequests.add(replyto, deadline),
      onFailure,
    });
  }

  get subscriptions(): Map<number, RemoteSubscription> {
    return this.queues.subscriptions;
  }

  /** The topic prefix of answers to this client. */
  get replyPrefix(): string {
    return `_reply.${this.component}.${this.client}`;
  }

  get openRequests(): OpenRequests {
    return this.#options.openRequests;
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
}
