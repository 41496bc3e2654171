import { randomBytes } from 'node:crypto';
import { parseJson } from '@aico/protocol';
import type { HubExtension, InProcessBus, Receiver } from '@aico/shared/core/bus';
import { ReceiverFeed } from '@aico/shared/core/bus/frames';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { BatchEncoder } from '../queues/batch-encoder.ts';
import type { OutgoingQueues } from '../queues/outgoing-queues.ts';
import type { Carrier, OpenCarrier } from './carrier.ts';
import type { ClusterIdentity } from './cluster-identity.ts';
import { HubReceiver } from './hub-receiver.ts';
import { type InterestChange, Interests } from './interests.ts';
import { Kind } from './link-session.ts';
import { NodeKeys } from './node-keys.ts';
import { NodePeer, type PeerEvent } from './node-peer.ts';

/** Milliseconds that a full lane delays publishers before its oldest messages are dropped. */
const WAIT_MS = 10_000;

/** Milliseconds after which a peer that cannot be reached is forgotten. */
const FORGET_MS = 600_000;

/** The longest time that a start waits for the other nodes, once connected. */
const LONGEST_JOIN_MS = 5_000;

const HELLO = Compile(
  Type.Object({
    epoch: Type.String({ pattern: '^[0-9a-f]{32}$' }),
    /** In an answer: the epoch of the process that it answers. */
    to: Type.Optional(Type.String()),
    /** In an answer: the nodes that the answering node is linked to. */
    peers: Type.Optional(Type.Array(Type.String(), { maxItems: 4_096 })),
  }),
);

const NODE = /^[0-9a-f]{16}$/;

/** An event for the log. */
export type NodeEvent =
  | (PeerEvent & { readonly node: string })
  | { readonly name: 'up' | 'taken' }
  | { readonly name: 'down'; readonly reason: string };

export interface NodeBusOptions {
  readonly identity: ClusterIdentity;
  readonly hub: InProcessBus;
  readonly open: OpenCarrier;
  readonly heartbeatMs: number;
  /** Bytes that may be queued for a peer. */
  readonly queueBytes: number;
  /** The largest message that is sent to other nodes, in bytes. */
  readonly messageBytes: number;
  /** Milliseconds that the start waits for the first answer of another node. */
  readonly joinMs?: number;
  /** Milliseconds that the start waits for a connection. */
  readonly connectMs?: number;
  readonly onEvent?: (event: NodeEvent) => void;
}

/**
 * Joins the in-process bus of this node to those of the other nodes of the home. docs/many-machines.md describes its guarantees and its
 * protocol.
 */
export class NodeBus implements HubExtension {
  readonly #options: NodeBusOptions;
  readonly #keys: NodeKeys;
  readonly #epoch = randomBytes(16).toString('hex');
  readonly #interests = new Interests();
  readonly #encoder: BatchEncoder;
  readonly #peers = new Map<string, NodePeer>();
  readonly #feeds = new WeakMap<Receiver, ReceiverFeed>();
  readonly #sharedFeed: ReceiverFeed;
  readonly #dirty = new Set<OutgoingQueues>();
  #carrier: Carrier | undefined;
  #state: { readonly name: 'up' } | { readonly name: 'down'; readonly reason: string } = {
    name: 'down',
    reason: 'it has not connected yet',
  };
  /** Changes of the interests that have not been announced. */
  #changes: InterestChange[] = [];
  #announced: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #lastBeat = performance.now();
  #unsendable = 0;
  #isTaken = false;
  #release = (): void => {};
  /** Called when a link is established or synchronised; settles the start. */
  #progress = (): void => {};
  /** The nodes that others are linked to. */
  readonly #known = new Set<string>();

  constructor(options: NodeBusOptions) {
    this.#options = options;
    this.#keys = new NodeKeys(options.identity.key);
    // Counted and not logged, since the message that cannot be sent may itself be a log line.
    this.#encoder = new BatchEncoder({
      messageBytes: options.messageBytes,
      onError: () => (this.#unsendable += 1),
    });
    this.#sharedFeed = new ReceiverFeed(new HubReceiver(options.hub));
  }

  /**
   * Joins the other nodes. Resolves when the subscriptions of all nodes that answered are in force here, or when none answers; without
   * a server it resolves as well, and the node joins once there is one.
   */
  async start(): Promise<void> {
    const { hub, identity, open, heartbeatMs, joinMs = 500, connectMs = 2_000 } = this.#options;
    this.#release = hub.extend(this);
    this.#timer = setInterval(() => this.#beat(), heartbeatMs);
    this.#timer.unref();
    const joined = this.#joined(joinMs, connectMs, Math.min(heartbeatMs * 3, LONGEST_JOIN_MS));
    this.#carrier = open([this.#all('*'), this.#link(identity.node, '*')], {
      onUp: (carrier) => this.#up(carrier),
      onDown: (reason) => this.#down(reason),
      onPayload: (subject, payload) => this.#take(subject, payload),
    });
    await joined;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#release();
    for (const peer of this.#peers.values()) peer.leave();
    this.#peers.clear();
    await this.#carrier?.flush();
    await this.#carrier?.close();
  }

  subscribed(pattern: string, receiver: Receiver): Promise<void> | undefined {
    const change = this.#interests.add(pattern, receiver);
    if (this.#peers.size === 0) return undefined;
    if (change !== undefined) this.#changes.push(change);
    return this.#announceSoon();
  }

  unsubscribed(pattern: string, receiver: Receiver): Promise<void> | undefined {
    this.#feeds.get(receiver)?.end();
    const change = this.#interests.remove(pattern, receiver);
    if (change === undefined || this.#peers.size === 0) return undefined;
    this.#changes.push(change);
    return this.#announceSoon();
  }

  /** The state of the connection and of the links. */
  get status() {
    return {
      node: this.#options.identity.node,
      connection: this.#state,
      /** The last refusal of the server while it is connected. */
      fault: this.#carrier?.fault,
      /** Whether another process uses the id of this node. */
      isTaken: this.#isTaken,
      /** Messages that cannot be encoded, or are too large. */
      unsendable: this.#unsendable,
      peers: [...this.#peers.values()].filter(({ isLinked }) => isLinked).map(({ stats }) => stats),
    };
  }

  /** Announces all changes of this turn together, and resolves when they are in force on all nodes that can be reached. */
  #announceSoon(): Promise<void> {
    this.#announced ??= Promise.resolve().then(async () => {
      const changes = this.#changes;
      this.#changes = [];
      this.#announced = undefined;
      if (changes.length > 0) for (const peer of this.#peers.values()) peer.announce(changes);
      await Promise.all([...this.#peers.values()].map((peer) => peer.settled()));
    });
    return this.#announced;
  }

  #joined(joinMs: number, connectMs: number, atMostMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const unconnected = setTimeout(() => {
      if (this.#state.name === 'down') resolve();
    }, connectMs);
    let alone: NodeJS.Timeout | undefined;
    const late = setTimeout(resolve, atMostMs + connectMs);
    this.#progress = () => {
      if (this.#state.name === 'up')
        alone ??= setTimeout(() => {
          if (this.#known.size === 0) resolve();
        }, joinMs);
      const others = [...this.#known].filter((node) => node !== this.#options.identity.node);
      if (others.length > 0 && others.every((node) => this.#peers.get(node)?.isSynchronised === true))
        resolve();
    };
    return promise.finally(() => {
      for (const timer of [unconnected, alone, late]) clearTimeout(timer);
      this.#progress = () => {};
    });
  }

  #up(carrier: Carrier): void {
    this.#carrier = carrier;
    this.#state = { name: 'up' };
    this.#options.onEvent?.({ name: 'up' });
    this.#hello();
    for (const peer of this.#peers.values()) peer.beat(true);
    this.#progress();
  }

  #down(reason: string): void {
    const wasUp = this.#state.name === 'up';
    this.#state = { name: 'down', reason };
    for (const peer of this.#peers.values()) peer.suspend('there is no connection to NATS');
    if (wasUp) this.#options.onEvent?.({ name: 'down', reason });
  }

  #hello(): void {
    const subject = this.#all(this.#options.identity.node);
    this.#publish(
      subject,
      this.#keys.sealOpening(subject, Kind.HELLO, JSON.stringify({ epoch: this.#epoch })),
    );
  }

  #take(subject: string, payload: Uint8Array): void {
    try {
      const node = subject.slice(subject.lastIndexOf('.') + 1);
      if (!NODE.test(node)) return;
      if (payload[0] === Kind.RECORD) this.#peers.get(node)?.takeRecord(payload);
      else this.#takeOpening(node, subject, payload);
      this.#progress();
    } catch (error) {
      this.#options.onEvent?.({ name: 'failed', node: '', error });
    }
  }

  #takeOpening(node: string, subject: string, payload: Uint8Array): void {
    const { identity } = this.#options;
    const text = this.#keys.openOpening(subject, payload);
    const content: unknown = text === undefined ? undefined : parseJson(text);
    if (!HELLO.Check(content)) return;
    const { epoch, to, peers = [] } = content;
    if (node === identity.node) {
      if (epoch === this.#epoch || this.#isTaken) return;
      this.#isTaken = true;
      this.#options.onEvent?.({ name: 'taken' });
      return;
    }
    const isAnswer = payload[0] === Kind.OFFER;
    // An answer to an earlier process of this node, or a repeated one, has another epoch.
    if (isAnswer && to !== this.#epoch) return;
    const peer = this.#peerOf(node);
    if (isAnswer) for (const each of [node, ...peers]) this.#known.add(each);
    if (!peer.isNew(epoch)) return;
    peer.prepare(epoch);
    if (isAnswer) peer.greet();
    else this.#offer(node, epoch);
  }

  #offer(node: string, epoch: string): void {
    const subject = this.#link(node, this.#options.identity.node);
    const peers = [...this.#peers.values()].filter(({ isReachable }) => isReachable).map((peer) => peer.node);
    const text = JSON.stringify({ epoch: this.#epoch, to: epoch, peers });
    this.#publish(subject, this.#keys.sealOpening(subject, Kind.OFFER, text));
  }

  #peerOf(node: string): NodePeer {
    const known = this.#peers.get(node);
    if (known !== undefined) return known;
    const { hub, identity, queueBytes, onEvent } = this.#options;
    const sending = this.#link(node, identity.node);
    const peer = new NodePeer({
      node,
      hub,
      interests: this.#interests,
      encoder: this.#encoder,
      queueBytes,
      subjects: { sending, receiving: this.#link(identity.node, node) },
      keysFor: (epoch) => this.#keys.link({ node: identity.node, epoch: this.#epoch }, { node, epoch }),
      send: (payload) => this.#publish(sending, payload),
      maxPayload: () => this.#carrier?.maxPayload ?? 65_536,
      sharedFeed: this.#sharedFeed,
      feedsOf: (lane) => [...this.#interests.receiversOf(lane)].map((receiver) => this.#feedOf(receiver)),
      flushSoon: (queues) => this.#flushSoon(queues),
      onEvent: (event) => onEvent?.({ ...event, node }),
    });
    this.#peers.set(node, peer);
    return peer;
  }

  /** One for each receiver, so that messages of several peers do not overfill it. */
  #feedOf(receiver: Receiver): ReceiverFeed {
    let feed = this.#feeds.get(receiver);
    if (feed === undefined) {
      feed = new ReceiverFeed(receiver);
      this.#feeds.set(receiver, feed);
    }
    return feed;
  }

  #publish(subject: string, payload: Uint8Array): void {
    this.#carrier?.publish(subject, payload);
  }

  #flushSoon(queues: OutgoingQueues): void {
    this.#dirty.add(queues);
    if (this.#dirty.size > 1) return;
    queueMicrotask(() => {
      const dirty = [...this.#dirty];
      this.#dirty.clear();
      for (const each of dirty) each.flush();
    });
  }

  #beat(): void {
    const now = performance.now();
    const { heartbeatMs } = this.#options;
    // While this process was suspended or busy, it could not hear the others.
    const isLate = now - this.#lastBeat > heartbeatMs * 2;
    this.#lastBeat = now;
    if (this.#state.name === 'down') return;
    this.#hello();
    for (const [node, peer] of this.#peers) {
      peer.relieve(WAIT_MS);
      peer.beat();
      const silentMs = now - peer.lastHeard;
      if (silentMs > heartbeatMs * 3 && !isLate) peer.suspend('it has been silent');
      if (silentMs > FORGET_MS) {
        peer.leave();
        this.#peers.delete(node);
      }
    }
  }

  #all(node: string): string {
    return `aico.${this.#options.identity.home}.all.${node}`;
  }

  #link(to: string, from: string): string {
    return `aico.${this.#options.identity.home}.to.${to}.${from}`;
  }
}
