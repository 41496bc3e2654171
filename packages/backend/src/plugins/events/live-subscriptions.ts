import { randomUUID } from 'node:crypto';
import { parsePattern, TopicInvalidError } from '@aico/protocol';
import { checkSubscribe, type Envelope, type MessageBus, type Subscription } from '@aico/shared/core/bus';
import { type Access, isAccess, type Principal } from '../../core/access.ts';
import { TooManySubscriptionsError, TopicRefusedError } from './errors.ts';
import { EventLog } from './event-log.ts';

/** How much memory subscriptions may take, and how long one is kept for a reader that has disconnected. */
export interface LiveLimits {
  /** Subscriptions of one device, and on one WebSocket. */
  readonly perDevice: number;
  /** Subscriptions of all devices together; the programs on this machine may have as many of their own. */
  readonly total: number;
  /** Events that a subscription keeps. */
  readonly events: number;
  /** Characters of JSON that a subscription keeps. */
  readonly size: number;
  /** Milliseconds that a subscription is kept for a reader that has disconnected. */
  readonly keepMs: number;
}

export const DEFAULT_LIMITS: LiveLimits = {
  perDevice: 32,
  total: 256,
  events: 1_024,
  size: 1_048_576,
  keepMs: 60_000,
};

/**
 * The capability that following `pattern` needs: `inbox.>` needs `inbox:subscribe`; a pattern that begins with a wildcard
 * sees every room, and needs `bus:subscribe`. Names are compared as they are written, here as everywhere: `Inbox.*` is another
 * room, and one whose name cannot stand in a capability needs `bus:subscribe` as well.
 *
 * @throws {TopicRefusedError} when it is no pattern
 * @throws {BusTopicReservedError}
 */
export function accessFor(pattern: string): Access {
  let room: string;
  try {
    room = parsePattern(pattern)[0] ?? '';
  } catch (error) {
    if (!(error instanceof TopicInvalidError)) throw error;
    throw new TopicRefusedError(error.message, error);
  }
  checkSubscribe(pattern);
  const access = `${room}:subscribe`;
  return isAccess(access) ? access : 'bus:subscribe';
}

/** Where a reader was: the id of a subscription and the number of the last event it has seen. */
export interface Position {
  readonly id: string;
  readonly number: number;
}

/** Reads a position as it is sent with each event; of anything else the one before the first event of no subscription. */
export function positionOf(text: string): Position {
  const [, id = '', digits = ''] = /^([0-9a-f-]{36}):(\d{1,15})$/.exec(text) ?? [];
  return { id, number: Number(digits) };
}

/** One pattern that somebody follows, with what came of late. Outlives the connection it began on, for a while. */
export class LiveSubscription {
  readonly id: string = randomUUID();
  readonly pattern: string;
  readonly principal: Principal;
  readonly log: EventLog;
  /** Aborted when it is over: the reader's right has gone, or the backend stops. */
  readonly ended: AbortController = new AbortController();
  readers = 0;
  expiry: NodeJS.Timeout | undefined;
  subscription: Subscription | undefined;

  constructor(pattern: string, principal: Principal, log: EventLog) {
    this.pattern = pattern;
    this.principal = principal;
    this.log = log;
  }
}

/**
 * The subscriptions of all readers outside the backend, bounded in number, size and time. A subscription whose reader has
 * disconnected is kept for its return, and makes room as soon as another is opened: only connected readers are counted when
 * one is refused. Programs on this machine share no bound with devices, so that neither can keep the others out.
 */
export class LiveSubscriptions {
  readonly limits: LiveLimits;
  readonly #bus: MessageBus;
  readonly #live = new Map<string, LiveSubscription>();
  /** Subscriptions without a reader, in the order in which their readers disconnected. */
  readonly #detached = new Set<LiveSubscription>();

  constructor(bus: MessageBus, limits: LiveLimits = DEFAULT_LIMITS) {
    this.#bus = bus;
    this.limits = limits;
  }

  get size(): number {
    return this.#live.size;
  }

  /** The subscription of this id, if it is of the same principal and pattern and still kept. */
  find(id: string, pattern: string, principal: Principal): LiveSubscription | undefined {
    const found = this.#live.get(id);
    return found?.pattern === pattern && found.principal.id === principal.id ? found : undefined;
  }

  /**
   * Follows `pattern` from now on. In force when it resolves.
   *
   * @throws {TooManySubscriptionsError}
   */
  async open(pattern: string, access: Access, principal: Principal): Promise<LiveSubscription> {
    const { perDevice, total } = this.limits;
    const { kind, id } = principal;
    if (kind === 'device')
      this.#makeRoom(perDevice, (each) => each.principal.kind === kind && each.principal.id === id);
    this.#makeRoom(total, (each) => each.principal.kind === kind);
    const live = new LiveSubscription(pattern, principal, new EventLog(this.limits));
    this.#live.set(live.id, live);
    try {
      live.subscription = await this.#bus.subscribe(pattern, (topic, message, envelope) => {
        if (topic.startsWith('_')) return;
        if (principal.may(access)) live.log.push(textOf(envelope, message));
        else void this.end(live);
      });
    } catch (error) {
      this.#live.delete(live.id);
      throw error;
    }
    return live;
  }

  /**
   * Ends the subscription whose reader has been away for longest, where there are `limit` of a kind.
   *
   * @throws {TooManySubscriptionsError} when all of them are being read
   */
  #makeRoom(limit: number, isCounted: (live: LiveSubscription) => boolean): void {
    if ([...this.#live.values()].filter(isCounted).length < limit) return;
    const detached = [...this.#detached].find(isCounted);
    if (detached === undefined) throw new TooManySubscriptionsError(limit);
    void this.end(detached);
  }

  /** Connects a reader. The returned function disconnects it. */
  attach(live: LiveSubscription): () => void {
    live.readers += 1;
    this.#detached.delete(live);
    clearTimeout(live.expiry);
    let attached = true;
    return () => {
      if (!attached) return;
      attached = false;
      live.readers -= 1;
      if (live.readers > 0 || live.ended.signal.aborted) return;
      this.#detached.add(live);
      live.expiry = setTimeout(() => void this.end(live), this.limits.keepMs);
      live.expiry.unref();
    };
  }

  async end(live: LiveSubscription): Promise<void> {
    this.#live.delete(live.id);
    this.#detached.delete(live);
    clearTimeout(live.expiry);
    live.ended.abort();
    await live.subscription?.unsubscribe();
  }

  async endAll(): Promise<void> {
    await Promise.all([...this.#live.values()].map((live) => this.end(live)));
  }
}

/** CloudEvents' JSON format: bytes go as `data_base64`. */
function textOf(envelope: Envelope, message: unknown): string {
  const { id, source, type, time, datacontenttype, traceparent } = envelope;
  const attributes = { specversion: '1.0', id, source, type, time, datacontenttype, traceparent };
  return JSON.stringify(
    message instanceof Uint8Array
      ? { ...attributes, data_base64: Buffer.from(message).toString('base64') }
      : { ...attributes, data: message },
  );
}
