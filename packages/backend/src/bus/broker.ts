import { TopicInvalidError, TopicTrie } from '@aico/protocol';
import {
  FrameType,
  FrameWriter,
  PROTOCOL_VERSION,
  ROUTING_ID_LENGTH,
  type Run,
  type RunHead,
  readAck,
  readNumber,
  readRun,
  readRunHead,
  subscribe,
  subscribed,
  unsubscribe,
  unsubscribed,
  welcome,
} from '@aico/shared/core/bus/zeromq';
import type { BrokerOptions, ComponentGrant } from './broker-options.ts';
import { BrokerSocket } from './broker-socket.ts';
import { Handshakes } from './handshakes.ts';
import { type BrokerLimits, DEFAULT_LIMITS } from './limits.ts';
import { refuseRun } from './refuse-run.ts';
import { detached, RemoteSubscription } from './remote-subscription.ts';
import { isReserved, Rights } from './rights.ts';
import { Session } from './session.ts';

/** Milliseconds between a connection's end and asking who is left; bounds what a flood of connections costs. */
const PROBE_WAIT_MS = 20;

/**
 * Carries messages between the processes that take part in the bus, and the plugins of this one. Lets in listed keys
 * only, holds each client to its component's rights, and copies bodies without looking into them.
 */
export class Broker {
  readonly limits: BrokerLimits;
  readonly #options: BrokerOptions;
  readonly #socket: BrokerSocket;
  readonly #handshakes: Handshakes;
  readonly #sessions = new Map<string, Session>();
  readonly #topics = new TopicTrie<RemoteSubscription>();
  /** Those on reserved topics, which no wildcard of another subscription reaches. */
  readonly #replies = new TopicTrie<RemoteSubscription>(256);
  readonly #grants = new Map<string, { readonly grant: ComponentGrant; readonly rights: Rights }>();
  readonly #keys = new Set<string>();
  readonly #releases = new Map<RemoteSubscription, () => void>();
  readonly #writer = new FrameWriter();
  readonly #dirty = new Set<Session>();
  #flushing = false;
  #timer: NodeJS.Timeout | undefined;
  #probe: NodeJS.Timeout | undefined;
  #malformed = 0;

  constructor(options: BrokerOptions) {
    this.#options = options;
    this.limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#handshakes = new Handshakes(
      options.keys,
      (component) => this.#grants.get(component)?.grant.publicKey,
    );
    this.#socket = new BrokerSocket({
      keys: options.keys,
      frameBytes: this.limits.frameBytes,
      isAllowed: (key) => this.#keys.has(key),
      onFrame: (routingId, frame) => this.#take(routingId, frame),
      onDisconnect: () => this.#probeSoon(),
      onGone: (routingId) => this.#forget(routingId.toString('latin1'), 'it is gone'),
    });
    this.reload();
  }

  /** Where it listens. */
  get endpoints(): readonly string[] {
    return this.#socket.endpoints;
  }

  get sessions(): Iterable<Session> {
    return this.#sessions.values();
  }

  /** Counts since the start. */
  get stats() {
    const { admitted, refused } = this.#socket;
    return { connections: { admitted, refused }, malformed: this.#malformed, sessions: this.#sessions.size };
  }

  async start(): Promise<void> {
    await this.#socket.start(this.#options.endpoints);
    const { heartbeatMs } = this.limits;
    this.#timer = setInterval(() => this.#beat(), Math.min(heartbeatMs / 2, 250));
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    clearTimeout(this.#probe);
    for (const [connection, session] of this.#sessions) {
      session.flush(true);
      session.sayBye('STOPPING', 'the broker stops');
      this.#forget(connection, 'the broker stops');
    }
    await this.#socket.stop();
  }

  /** Takes the grants anew: who has lost its grant, or has a new key, is cut off at once. */
  reload(): void {
    const before = new Map(this.#grants);
    this.#grants.clear();
    this.#keys.clear();
    for (const grant of this.#options.grants()) {
      const known = before.get(grant.component);
      const same = known !== undefined && JSON.stringify(known.grant) === JSON.stringify(grant);
      const rights = same ? known.rights : new Rights(grant.component, grant.publish, grant.subscribe);
      this.#grants.set(grant.component, { grant, rights });
      this.#keys.add(grant.publicKey);
    }
    for (const [connection, session] of this.#sessions) {
      if (this.#grants.get(session.component)?.rights === session.rights) continue;
      session.sayBye('REVOKED', 'its grant has changed');
      this.#forget(connection, 'its grant has changed');
    }
  }

  #take(routingId: Buffer, frame: Buffer): void {
    if (routingId.length !== ROUTING_ID_LENGTH) {
      this.#malformed += 1;
      return;
    }
    const connection = routingId.toString('latin1');
    const session = this.#sessions.get(connection);
    if (session === undefined) {
      this.#takeFromStranger(connection, routingId, frame);
      return;
    }
    session.lastHeard = performance.now();
    const wrong = this.#holdTo(session, frame);
    if (wrong === undefined) return;
    this.#malformed += 1;
    session.sayBye('PROTOCOL', wrong);
    this.#forget(connection, wrong);
  }

  /** What one client sends must not end the broker, whatever was overlooked: it ends that client's session. */
  #holdTo(session: Session, frame: Buffer): string | undefined {
    try {
      return this.#takeFromMember(session, frame);
    } catch (error) {
      this.#options.onEvent?.({ name: 'failed', component: session.component, error });
      return 'the broker failed on it';
    }
  }

  #takeFromStranger(connection: string, routingId: Buffer, frame: Buffer): void {
    switch (frame[0]) {
      case FrameType.HELLO: {
        const verdict = this.#handshakes.begin(connection, frame);
        if (verdict.name === 'challenge') this.#socket.send(routingId, verdict.frame);
        else if (verdict.name === 'refused') this.#refuse(routingId, verdict.component, verdict.why);
        return;
      }
      case FrameType.PROOF: {
        const verdict = this.#handshakes.finish(connection, routingId, frame);
        if (verdict.name === 'proven') this.#welcome(connection, routingId, verdict.hello);
        else if (verdict.name === 'refused') this.#refuse(routingId, verdict.component, verdict.why);
        return;
      }
      case FrameType.PING: {
        // One who was forgotten meanwhile learns it by its next sign of life.
        this.#socket.sayBye(routingId, 'UNKNOWN', 'no such session');
        return;
      }
      default:
        this.#malformed += 1;
    }
  }

  #refuse(routingId: Buffer, component: string | undefined, why: string): void {
    this.#malformed += component === undefined ? 1 : 0;
    this.#socket.sayBye(routingId, 'REFUSED', 'this component, key or version is not allowed');
    if (component !== undefined) this.#options.onEvent?.({ name: 'refused', component, reason: why });
  }

  #welcome(
    connection: string,
    routingId: Buffer,
    { component, client, window }: { component: string; client: string; window: number },
  ): void {
    const rights = this.#grants.get(component)?.rights;
    if (rights === undefined) return;
    let ofComponent = 0;
    for (const [key, session] of this.#sessions) {
      if (session.component !== component) continue;
      ofComponent += 1;
      // The same client, come back before its end was noticed.
      if (session.client === client) this.#forget(key, 'it connected anew');
    }
    if (this.#sessions.size >= this.limits.sessions || ofComponent >= this.limits.sessionsPerComponent) {
      this.#socket.sayBye(routingId, 'BUSY', 'there are too many clients');
      return;
    }
    const session = new Session({
      routingId,
      client,
      rights,
      window: Math.min(window, this.limits.queueBytes),
      queueBytes: this.limits.queueBytes,
      writer: this.#writer,
      send: (frame) => this.#socket.send(routingId, frame),
    });
    this.#sessions.set(connection, session);
    session.send(
      welcome.write(FrameType.WELCOME, {
        version: PROTOCOL_VERSION,
        heartbeat: this.limits.heartbeatMs,
        window: this.limits.windowBytes,
        frame: this.limits.frameBytes,
        reply: session.replyPrefix,
      }),
    );
    this.#options.onEvent?.({ name: 'joined', component, client });
  }

  /** Says what is wrong with the frame, when something is. */
  #takeFromMember(session: Session, frame: Buffer): string | undefined {
    switch (frame[0]) {
      case FrameType.PUBLISH:
        return this.#publish(session, frame);
      case FrameType.ACK: {
        const numbers = readAck(frame);
        return numbers.length > 0 && session.acknowledged(numbers)
          ? undefined
          : 'an ACK of what was not sent';
      }
      case FrameType.PING:
        session.send(Buffer.of(FrameType.PONG));
        return undefined;
      case FrameType.PONG:
        return undefined;
      case FrameType.SUBSCRIBE:
        return this.#subscribe(session, frame);
      case FrameType.UNSUBSCRIBE: {
        const content = unsubscribe.read(frame);
        if (content === undefined) return 'a malformed UNSUBSCRIBE';
        const subscription = session.subscriptions.get(content.id);
        if (subscription !== undefined) this.#endSubscription(session, subscription);
        session.send(unsubscribed.write(FrameType.UNSUBSCRIBED, { id: content.id }));
        return undefined;
      }
      case FrameType.BYE:
        this.#forget(session.routingId.toString('latin1'), 'it said goodbye');
        return undefined;
      default:
        return 'a frame of an unknown type';
    }
  }

  #subscribe(session: Session, frame: Buffer): string | undefined {
    const content = subscribe.read(frame);
    if (content === undefined) return 'a malformed SUBSCRIBE';
    const { id, pattern } = content;
    if (session.subscriptions.has(id)) return 'a subscription id that is taken';
    const refuse = (code: string, reason: string): void =>
      session.send(subscribed.write(FrameType.SUBSCRIBED, { id, code, reason }));
    try {
      const reason = session.rights.refuseSubscribe(pattern, session.replyPrefix);
      if (reason !== undefined) {
        session.refusals += 1;
        refuse('DENIED', reason);
        return undefined;
      }
    } catch (error) {
      if (!(error instanceof TopicInvalidError)) throw error;
      refuse('TOPIC', error.message);
      return undefined;
    }
    if (session.subscriptions.size >= this.limits.subscriptionsPerSession) {
      refuse('TOO_MANY', `${this.limits.subscriptionsPerSession} subscriptions are the most`);
      return undefined;
    }
    const subscription = new RemoteSubscription(content, session);
    session.subscriptions.set(id, subscription);
    this.#trieOf(pattern).add(pattern, subscription);
    const release = this.#options.local?.subscribe(subscription, () => this.#flushSoon(session));
    if (release !== undefined) this.#releases.set(subscription, release);
    session.send(subscribed.write(FrameType.SUBSCRIBED, { id }));
    return undefined;
  }

  #endSubscription(session: Session, subscription: RemoteSubscription): void {
    session.subscriptions.delete(subscription.id);
    this.#trieOf(subscription.pattern).remove(subscription.pattern, subscription);
    this.#releases.get(subscription)?.();
    this.#releases.delete(subscription);
    subscription.end();
  }

  #trieOf(topicOrPattern: string): TopicTrie<RemoteSubscription> {
    return isReserved(topicOrPattern) ? this.#replies : this.#topics;
  }

  #publish(session: Session, frame: Buffer): string | undefined {
    const number = readNumber(frame);
    if (number === undefined || !session.receive(number)) return 'a PUBLISH out of order';
    let at = 5;
    for (let index = 0; at < frame.length; index += 1) {
      const run = readRun(frame, at);
      const head = run === undefined ? undefined : readRunHead(run);
      if (run === undefined || head === undefined) return 'a malformed PUBLISH';
      at = run.end;
      const refusal = refuseRun(session, head);
      if (refusal !== undefined) session.refuse(index, refusal.code, refusal.reason);
      else this.#route(session, run, head, index);
    }
    for (const dirty of this.#dirty) dirty.flush();
    this.#dirty.clear();
    session.acknowledge();
    return undefined;
  }

  #route(session: Session, run: Run, head: RunHead, index: number): void {
    session.published += run.count;
    const { frame, header, messages, end, count } = run;
    for (const subscription of this.#trieOf(head.topic).match(head.topic)) {
      const owner = this.#sessionOf(subscription);
      if (owner === undefined) continue;
      subscription.push(detached({ frame, header, headerEnd: messages, from: messages, end, count }));
      this.#dirty.add(owner);
      if (subscription.isFull && owner !== session) session.waitFor(subscription);
    }
    const { local } = this.#options;
    if (local === undefined || !local.hears(head.topic)) return;
    try {
      const room = local.publish(run, head);
      if (room !== undefined) session.waitForLocal(room);
    } catch (error) {
      session.refuse(index, 'PAYLOAD', error instanceof Error ? error.message : 'it cannot be decoded');
    }
  }

  #sessionOf({ owner }: RemoteSubscription): Session | undefined {
    return owner instanceof Session ? owner : undefined;
  }

  /** Sends, at the end of this turn, what plugins published. */
  #flushSoon(session: Session): void {
    this.#dirty.add(session);
    if (this.#flushing) return;
    this.#flushing = true;
    queueMicrotask(() => {
      this.#flushing = false;
      for (const dirty of this.#dirty) dirty.flush();
      this.#dirty.clear();
    });
  }

  #beat(): void {
    const now = performance.now();
    const { heartbeatMs, waitMs } = this.limits;
    for (const [connection, session] of this.#sessions) {
      if (now - session.lastHeard > heartbeatMs * 3) {
        session.sayBye('SILENT', 'nothing was heard of it');
        this.#forget(connection, 'nothing was heard of it');
        continue;
      }
      if (now - session.lastSent >= heartbeatMs) session.send(Buffer.of(FrameType.PING));
      for (const subscription of session.subscriptions.values())
        if (subscription.fullSince !== undefined && now - subscription.fullSince > waitMs)
          subscription.stall();
      session.reportDrops();
    }
  }

  /**
   * Sends everybody a sign of life, since to one who is gone that fails: its session ends now, not once it has been
   * silent for long, and whoever came with the same routing id finds nothing of it.
   */
  #probeSoon(): void {
    this.#probe ??= setTimeout(() => {
      this.#probe = undefined;
      for (const session of this.#sessions.values()) session.send(Buffer.of(FrameType.PING));
    }, PROBE_WAIT_MS);
  }

  #forget(connection: string, reason: string): void {
    const session = this.#sessions.get(connection);
    if (session === undefined) return;
    this.#sessions.delete(connection);
    this.#dirty.delete(session);
    for (const subscription of session.subscriptions.values()) this.#endSubscription(session, subscription);
    const { component, client } = session;
    this.#options.onEvent?.({ name: 'left', component, client, reason });
  }
}
