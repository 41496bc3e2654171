import type { InProcessBus } from '@aico/shared/core/bus';
import { Inbox, type ReceiverFeed, readAck, readNumber, writeAck } from '@aico/shared/core/bus/frames';
import type { BatchEncoder } from '../queues/batch-encoder.ts';
import type { OutgoingQueues } from '../queues/outgoing-queues.ts';
import { Announcer } from './announcer.ts';
import { type Interests, SHARED_LANE } from './interests.ts';
import { interest, LinkFrame, MOST_OPEN, status, taken } from './link-frames.ts';
import { LinkSession, REJECTED } from './link-session.ts';
import type { LinkKeys } from './node-keys.ts';
import { OutgoingLanes } from './outgoing-lanes.ts';

/** Bytes of DELIVER frames that may be in flight to a peer. */
const WINDOW = 1_048_576;

/** A gap in the numbers of DELIVER frames that no window allows. */
const MOST_MISSING = 65_536;

export interface NodePeerOptions {
  readonly node: string;
  readonly hub: InProcessBus;
  readonly interests: Interests;
  readonly encoder: BatchEncoder;
  readonly queueBytes: number;
  /** The subjects of the records to the peer and from it. */
  readonly subjects: { readonly sending: string; readonly receiving: string };
  readonly keysFor: (epoch: string) => LinkKeys;
  readonly send: (payload: Uint8Array) => void;
  readonly maxPayload: () => number;
  /** Delivers to the subscriptions of this node that do not make publishers wait. */
  readonly sharedFeed: ReceiverFeed;
  readonly feedsOf: (lane: number) => Iterable<ReceiverFeed>;
  readonly flushSoon: (queues: OutgoingQueues) => void;
  readonly onEvent: (event: PeerEvent) => void;
}

/** A change of the link to a peer. */
export type PeerEvent =
  | { readonly name: 'linked' | 'left' | 'resumed' }
  | { readonly name: 'unreachable'; readonly reason: string }
  /** The figure has reached a power of two. */
  | { readonly name: 'lost' | 'rejected'; readonly count: number }
  | { readonly name: 'failed'; readonly error: unknown };

/** The prepared link to one process of the peer. */
interface Candidate {
  readonly epoch: string;
  readonly session: LinkSession;
}

/** The established link to one process of the peer. */
interface Established extends Candidate {
  readonly lanes: OutgoingLanes;
  readonly inbox: Inbox;
  readonly announcer: Announcer;
  /** The number of the last DELIVER frame that arrived or is known to be lost. */
  delivered: number;
}

/**
 * Another node of the home. A link is established once each side has shown that it knows the present epoch of the other, so that
 * repeated frames of an earlier process establish none; an epoch that was replaced is never used again.
 */
export class NodePeer {
  readonly #options: NodePeerOptions;
  #link: Established | undefined;
  #candidate: Candidate | undefined;
  readonly #retired = new Set<string>();
  #lost = 0;
  #rejected = 0;
  #received = 0;
  /** The counts of earlier processes of the peer. */
  #earlier = { sent: 0, dropped: 0 };
  lastHeard = performance.now();

  constructor(options: NodePeerOptions) {
    this.#options = options;
  }

  get node(): string {
    return this.#options.node;
  }

  /** Whether the link carries messages. */
  get isReachable(): boolean {
    return this.#link?.lanes.isReachable === true;
  }

  get isLinked(): boolean {
    return this.#link !== undefined;
  }

  /** Whether the subscriptions of the peer are in force here. */
  get isSynchronised(): boolean {
    return (this.#link?.lanes.applied ?? 0) > 0;
  }

  /** The counts of messages to and from the peer. */
  get stats() {
    return {
      node: this.node,
      reachable: this.isReachable,
      subscriptions: this.#link?.lanes.patterns ?? 0,
      sent: this.#earlier.sent + (this.#link?.session.messagesSent ?? 0),
      dropped: this.#earlier.dropped + (this.#link?.lanes.dropped ?? 0),
      queued_bytes: this.#link?.lanes.queues.queuedBytes ?? 0,
      received: this.#received,
      lost: this.#lost,
      rejected: this.#rejected,
    };
  }

  /** Whether a process of the peer with this epoch may be linked. */
  isNew(epoch: string): boolean {
    if (this.#retired.has(epoch)) {
      this.#count('rejected', 1);
      return false;
    }
    return this.#link?.epoch !== epoch;
  }

  /** Prepares a link to a process of the peer, which is established by its first record. */
  prepare(epoch: string): void {
    if (this.#candidate?.epoch === epoch) return;
    const { keysFor, subjects } = this.#options;
    this.#candidate?.session.wipe();
    this.#candidate = { epoch, session: new LinkSession(keysFor(epoch), subjects) };
  }

  /** Sends a record by which the peer establishes the prepared link, or goes on with the present one. */
  greet(): void {
    if (this.#candidate === undefined) this.beat();
    else this.#send(this.#candidate.session, this.#status(undefined));
  }

  /** Sends the status of the link, so that the peer notices what it has missed; `asks`: the peer answers with its own. */
  beat(asks = false): void {
    const link = this.#link;
    if (link !== undefined) this.#send(link.session, this.#status(link, asks));
  }

  takeRecord(payload: Uint8Array): void {
    let opened = this.#link?.session.open(payload) ?? REJECTED;
    const candidate = this.#candidate;
    if (opened.name === 'rejected' && candidate !== undefined) {
      opened = candidate.session.open(payload);
      if (opened.name === 'genuine') this.#establish(candidate);
    }
    const link = this.#link;
    if (link === undefined) return;
    if (opened.name === 'rejected') {
      this.#count('rejected', 1);
      return;
    }
    this.lastHeard = performance.now();
    if (opened.lost > 0) this.#count('lost', opened.lost);
    this.#resume(link);
    if (opened.frame !== undefined) this.#take(link, opened.frame);
  }

  announce(changes: Parameters<Announcer['announce']>[0]): void {
    this.#link?.announcer.announce(changes);
  }

  /** Resolves when the peer has put all announcements in force, or cannot be reached; `undefined` if it has. */
  settled(): Promise<void> | undefined {
    return this.isReachable ? this.#link?.announcer.settled() : undefined;
  }

  relieve(waitMs: number): void {
    this.#link?.lanes.relieve(waitMs);
  }

  suspend(reason: string): void {
    if (!this.isReachable) return;
    this.#link?.lanes.suspend();
    this.#link?.announcer.release();
    this.#options.onEvent({ name: 'unreachable', reason });
  }

  /** Ends the link, and says so to the peer if it can be reached. */
  leave(): void {
    const link = this.#link;
    if (link !== undefined) this.#send(link.session, Buffer.of(LinkFrame.BYE));
    this.#end();
    this.#candidate?.session.wipe();
    this.#candidate = undefined;
  }

  #establish({ epoch, session }: Candidate): void {
    const { hub, encoder, queueBytes, interests, sharedFeed, feedsOf, flushSoon, onEvent } = this.#options;
    this.#end();
    this.#candidate = undefined;
    const send = (frame: Buffer, messages = 0): void => this.#send(session, frame, messages);
    const onError = (error: unknown): void => onEvent({ name: 'failed', error });
    const link: Established = {
      epoch,
      session,
      lanes: new OutgoingLanes({ hub, encoder, window: WINDOW, queueBytes, send, flushSoon, onError }),
      inbox: new Inbox({
        feedsOf: (lane) => (lane === SHARED_LANE ? [sharedFeed] : feedsOf(lane)),
        acknowledge: (numbers) => send(writeAck(numbers)),
        onError,
      }),
      announcer: new Announcer(send),
      delivered: 0,
    };
    this.#link = link;
    onEvent({ name: 'linked' });
    link.announcer.announceAll(interests.all());
    this.beat();
  }

  #resume({ lanes }: Established): void {
    if (lanes.isReachable) return;
    lanes.resume();
    this.#options.onEvent({ name: 'resumed' });
    this.beat();
  }

  #take(link: Established, frame: Buffer): void {
    switch (frame[0]) {
      case LinkFrame.DELIVER: {
        const number = readNumber(frame) ?? 0;
        this.#missed(link, number - 1);
        link.delivered = number;
        const messages = link.inbox.take(number, frame);
        link.session.took(messages);
        this.#received += messages;
        return;
      }
      case LinkFrame.ACK: {
        link.lanes.queues.acknowledged(readAck(frame));
        return;
      }
      case LinkFrame.INTEREST: {
        const content = interest.read(frame);
        if (content === undefined || !link.lanes.apply(content)) return;
        this.#send(link.session, taken.write(LinkFrame.TAKEN, { number: link.lanes.applied }));
        return;
      }
      case LinkFrame.TAKEN: {
        const content = taken.read(frame);
        if (content !== undefined) link.announcer.taken(content.number);
        return;
      }
      case LinkFrame.RESYNC: {
        link.announcer.announceAll(this.#options.interests.all());
        return;
      }
      case LinkFrame.STATUS: {
        const content = status.read(frame);
        if (content === undefined) return;
        this.#missed(link, content.deliver);
        link.delivered = content.deliver;
        link.lanes.queues.settled(content.arrived, content.open);
        if (content.asks) this.beat();
        if (content.interest !== link.lanes.applied) this.#send(link.session, Buffer.of(LinkFrame.RESYNC));
        return;
      }
      case LinkFrame.BYE: {
        this.#end();
        this.#options.onEvent({ name: 'left' });
        return;
      }
      default:
      // A later version of the protocol has further types.
    }
  }

  /** Confirms the DELIVER frames up to `last` that have not arrived, so that the window of the peer is free again. */
  #missed(link: Established, last: number): void {
    if (last <= link.delivered || last - link.delivered > MOST_MISSING) return;
    const missing = Array.from({ length: last - link.delivered }, (_, n) => link.delivered + 1 + n);
    link.inbox.confirm(missing);
  }

  #status(link: Established | undefined, asks = false): Buffer {
    const open = [...(link?.inbox.open ?? [])];
    return status.write(LinkFrame.STATUS, {
      interest: link?.announcer.sent ?? 0,
      deliver: link?.lanes.queues.lastNumber ?? 0,
      asks,
      arrived: open.length > MOST_OPEN ? 0 : (link?.delivered ?? 0),
      open: open.slice(0, MOST_OPEN),
    });
  }

  #send(session: LinkSession, frame: Uint8Array, messages = 0): void {
    const { send, maxPayload } = this.#options;
    for (const record of session.seal(frame, messages, maxPayload())) send(record);
  }

  #end(): void {
    const link = this.#link;
    if (link === undefined) return;
    this.#link = undefined;
    this.#retired.add(link.epoch);
    link.announcer.release();
    link.inbox.forget();
    link.lanes.end();
    this.#earlier.sent += link.session.messagesSent;
    this.#earlier.dropped += link.lanes.dropped;
    link.session.wipe();
  }

  /** Reports only when a figure passes a power of two, so that a flood of frames causes no flood of lines. */
  #count(name: 'lost' | 'rejected', count: number): void {
    const before = name === 'lost' ? this.#lost : this.#rejected;
    const now = before + count;
    if (name === 'lost') this.#lost = now;
    else this.#rejected = now;
    if (Math.floor(Math.log2(now)) > (before === 0 ? -1 : Math.floor(Math.log2(before))))
      this.#options.onEvent({ name, count: now });
  }
}
