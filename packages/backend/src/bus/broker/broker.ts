import { TopicInvalidError } from '@aico/protocol';
import {
  type FrameBatch,
  FrameType,
  FrameWriter,
  PROTOCOL_VERSION,
  ROUTING_ID_LENGTH,
  readAck,
  readBatch,
  readNumber,
  subscribe,
  subscribed,
  unsubscribe,
  unsubscribed,
  welcome,
} from '@aico/shared/core/bus/frames';
import { Rights } from '../grants/rights.ts';
import { RemoteSubscription } from '../queues/remote-subscription.ts';
import type { BrokerOptions, ComponentGrant } from './broker-options.ts';
import { BrokerSocket } from './broker-socket.ts';
import { Handshakes } from './handshakes.ts';
import { type BrokerLimits, DEFAULT_LIMITS } from './limits.ts';
import { OpenRequests } from './open-requests.ts';
import { type Refusal, refuseBatch } from './refuse-batch.ts';
import { RemoteFanOut } from './remote-fan-out.ts';
import { Session } from './session.ts';
import { StrangerLimit } from './stranger-limit.ts';

/** Milliseconds between the end of a connection and the probe of the others; limits the cost of a flood of connections. */
const PROBE_WAIT_MS = 20;

/**
 * Carries messages between other processes and the plugins of this one. It admits listed keys only, enforces the rights of each
 * component, and copies bodies without parsing them.
 */
export class Broker {
  readonly limits: BrokerLimits;
  readonly #options: BrokerOptions;
  readonly #socket: BrokerSocket;
  readonly #handshakes: Handshakes;
  readonly #strangers = new StrangerLimit();
  readonly #sessions = new Map<string, Session>();
  readonly #fanOut: RemoteFanOut;
  /** By component and client: a client keeps its requests when it reconnects. */
  readonly #openRequests = new Map<string, OpenRequests>();
  readonly #grants = new Map<string, { readonly grant: ComponentGrant; readonly rights: Rights }>();
  readonly #keys = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #probe: NodeJS.Timeout | undefined;
  #malformed = 0;
  #failure: unknown;

  constructor(options: BrokerOptions) {
    this.#options = options;
    this.limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#fanOut = new RemoteFanOut(options.local);
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
      onFailure: (error) => {
        this.#failure = error;
        this.#report(undefined, error);
      },
    });
    this.reload();
  }

  /** The addresses on which it listens. */
  get endpoints(): readonly string[] {
    return this.#socket.endpoints;
  }

  /** The failure that stopped it; `undefined` while it works. */
  get failure(): unknown {
    return this.#failure;
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
      session.queues.flush(true);
      session.sayBye('STOPPING', 'the broker stops');
      this.#forget(connection, 'the broker stops');
    }
    await this.#socket.stop();
  }

  /** Applies changed grants: components without a grant, or with a new key, are disconnected at once. */
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
    if (session === undefined && !this.#strangers.admit(connection)) {
      this.#malformed += 1;
      return;
    }
    let wrong: string | undefined;
    try {
      if (session === undefined) this.#takeFromStranger(connection, routingId, frame);
      else wrong = this.#takeFromMember(session, frame);
    } catch (error) {
      // An unexpected error ends the client that caused it, and not the receive loop.
      this.#report(session?.component, error);
      wrong = 'the broker failed on it';
    }
    // This also happens if a batch of a frame was malformed, since the batches before it are queued.
    this.#fanOut.flush();
    if (wrong === undefined) {
      // After the fan-out: subscribers wait for the messages, while the publisher still has window left.
      if (frame[0] === FrameType.PUBLISH) session?.acknowledge();
      return;
    }
    this.#malformed += 1;
    this.#socket.sayBye(routingId, session === undefined ? 'REFUSED' : 'PROTOCOL', wrong);
    this.#forget(connection, wrong);
  }

  #report(component: string | undefined, error: unknown): void {
    this.#options.onEvent?.({ name: 'failed', component, error });
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
        // A client whose session has ended learns it by its next heartbeat.
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
      // The same client has reconnected before its end was noticed.
      if (session.client === client) this.#forget(key, 'it reconnected');
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
      receiveWindow: this.limits.windowBytes,
      queueBytes: this.limits.queueBytes,
      writer: new FrameWriter(),
      openRequests: this.#openRequestsOf(component, client),
      send: (frame) => this.#socket.send(routingId, frame),
      onFailure: (error) => {
        this.#report(component, error);
        this.#socket.sayBye(routingId, 'PROTOCOL', 'the broker failed to send to it');
        this.#forget(connection, 'the broker failed to send to it');
      },
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

  #openRequestsOf(component: string, client: string): OpenRequests {
    const key = `${component}.${client}`;
    const open = this.#openRequests.get(key) ?? new OpenRequests();
    this.#openRequests.set(key, open);
    return open;
  }

  #pruneOpenRequests(): void {
    const connected = new Set([...this.#sessions.values()].map(({ openRequests }) => openRequests));
    for (const [key, open] of this.#openRequests) {
      open.prune();
      if (open.size === 0 && !connected.has(open)) this.#openRequests.delete(key);
    }
  }

  /** Processes a frame. Returns the fault of an invalid one. */
  #takeFromMember(session: Session, frame: Buffer): string | undefined {
    session.lastHeard = performance.now();
    switch (frame[0]) {
      case FrameType.PUBLISH:
        return this.#publish(session, frame);
      case FrameType.ACK: {
        const numbers = readAck(frame);
        return numbers.length > 0 && session.queues.acknowledged(numbers)
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
        if (subscription !== undefined) this.#fanOut.remove(session, subscription);
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
    const confirm = (): void => session.send(subscribed.write(FrameType.SUBSCRIBED, { id }));
    const subscription = new RemoteSubscription(content, session.queues);
    const inForce = this.#fanOut.add(session, subscription);
    if (inForce === undefined) confirm();
    else
      void inForce.then(() => {
        if (session.subscriptions.get(id) === subscription) confirm();
      });
    return undefined;
  }

  #publish(session: Session, frame: Buffer): string | undefined {
    const number = readNumber(frame);
    const wrong = session.receive(number ?? 0, frame.length);
    if (wrong !== undefined) return wrong;
    let at = 5;
    for (let index = 0; at < frame.length; index += 1) {
      const batch = readBatch(frame, at);
      if (batch === undefined) return 'a malformed PUBLISH';
      at = batch.end;
      const refusal = refuseBatch(session, batch) ?? this.#refuseUnanswered(batch);
      if (refusal !== undefined) session.refuse(index, refusal.code, refusal.reason);
      else this.#fanOut.route(session, batch, index);
    }
    return undefined;
  }

  #refuseUnanswered({ header: { topic, replyto } }: FrameBatch): Refusal | undefined {
    if (replyto === undefined || this.#fanOut.isAnswered(topic)) return undefined;
    return { code: 'UNANSWERED', reason: 'no component answers requests on this topic' };
  }

  #beat(): void {
    for (const [connection, session] of this.#sessions) {
      try {
        this.#tend(connection, session);
      } catch (error) {
        this.#report(session.component, error);
        this.#forget(connection, 'the broker failed on it');
      }
    }
    this.#pruneOpenRequests();
  }

  #tend(connection: string, session: Session): void {
    const now = performance.now();
    const { heartbeatMs, waitMs } = this.limits;
    if (now - session.lastHeard > heartbeatMs * 3) {
      session.sayBye('SILENT', 'it was silent for too long');
      this.#forget(connection, 'it was silent for too long');
      return;
    }
    if (now - session.lastSent >= heartbeatMs) {
      session.queues.shrink();
      session.send(Buffer.of(FrameType.PING));
    }
    for (const subscription of session.subscriptions.values())
      if (subscription.fullSince !== undefined && now - subscription.fullSince > waitMs) subscription.stall();
    session.reportDrops();
  }

  /**
   * Sends each client a PING, which fails for one that is gone. Its session then ends now instead of after three missed
   * heartbeats, and a connection with the same routing id does not inherit it.
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
    this.#fanOut.forget(session);
    const { component, client } = session;
    this.#options.onEvent?.({ name: 'left', component, client, reason });
  }
}
