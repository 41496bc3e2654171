import { randomUUID } from 'node:crypto';
import { parsePattern, parseTopic, TopicInvalidError } from '@aico/protocol';
import { checkPublish, checkSubscribe, type Envelope, type MessageBus } from '@aico/shared/core/bus';
import { type Access, isAccess, type Principal } from '../../core/access.ts';
import { TooManySubscriptionsError, TopicRefusedError } from './errors.ts';
import { EventLog, type EventSource } from './event-log.ts';
import { StoredEventLog, type StoredEvents } from './stored-events.ts';

/** Limits on the memory of subscriptions, and on how long one is kept for a disconnected reader. */
interface LiveLimits {
  /** Subscriptions of one device, and on one WebSocket. */
  readonly perDevice: number;
  /** Subscriptions of all devices together; programs on this machine have the same limit separately. */
  readonly total: number;
  /** Events that a subscription keeps. */
  readonly events: number;
  /** Characters of JSON that a subscription keeps. */
  readonly size: number;
  /** Milliseconds that a subscription is kept for a disconnected reader. */
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
 * The capability for following `pattern`: `inbox.>` needs `inbox:subscribe`. A pattern that begins with a wildcard matches all
 * owners and needs `bus:subscribe`, which covers every other pattern too. Names are case-sensitive: `Inbox.*` has another
 * owner, and one whose name cannot be part of a capability needs `bus:subscribe` as well.
 *
 * @throws {TopicRefusedError} when it is not a pattern
 * @throws {BusTopicReservedError}
 */
export function accessFor(pattern: string): Access {
  const access = accessOf(pattern, parsePattern, 'subscribe');
  checkSubscribe(pattern);
  return access;
}

/**
 * The capability for publishing on `topic`: `inbox.read` needs `inbox:publish`.
 *
 * @throws {TopicRefusedError} when it is not a topic
 * @throws {BusTopicReservedError}
 */
export function accessToPublish(topic: string): Access {
  const access = accessOf(topic, parseTopic, 'publish');
  checkPublish(topic);
  return access;
}

function accessOf(topic: string, parse: (topic: string) => readonly string[], deed: string): Access {
  let room: string;
  try {
    room = parse(topic)[0] ?? '';
  } catch (error) {
    if (!(error instanceof TopicInvalidError)) throw error;
    throw new TopicRefusedError(error.message, error);
  }
  const access = `${room}:${deed}`;
  return isAccess(access) ? access : `bus:${deed}`;
}

/** Whether `principal` may follow `pattern`. */
export function mayFollow(principal: Principal, pattern: string): boolean {
  return principal.may(accessFor(pattern)) || principal.may('bus:subscribe');
}

/** Parses the id of an event into its subscription and number. Any other text yields an id of no subscription. */
function positionOf(text: string): { readonly id: string; readonly number: number } {
  const [, id = '', digits = ''] = /^([0-9a-f-]{36}):(\d{1,15})$/.exec(text) ?? [];
  return { id, number: Number(digits) };
}

/** The messages that a reader follows. */
export interface Followed {
  /** The topic of the bus, or the name of a selection of stored events. */
  readonly topic: string;
  /** Where the events are stored, instead of coming from the bus. */
  readonly stored?: StoredEvents;
  /** The number of the stored event after which a reader begins that does not resume. Default: the newest. */
  readonly after?: number;
  readonly principal: Principal;
  /** Whether the reader still has the right; called for each message, or when there are new rows. */
  readonly isPermitted: () => boolean;
}

/** A subscription with its latest messages, which is kept for a while after its connection has ended. */
export class LiveSubscription {
  readonly id: string = randomUUID();
  readonly followed: Followed;
  readonly log: EventSource;
  /** Aborted when it ends: the reader lost the right, it was discarded for another, or the backend stops. */
  readonly ended: AbortController = new AbortController();
  readers = 0;
  expiry: NodeJS.Timeout | undefined;
  /** Ends the supply of events. */
  unsubscribe: (() => void | Promise<void>) | undefined;

  constructor(followed: Followed, log: EventSource) {
    this.followed = followed;
    this.log = log;
  }

  /** The id of an event, from which a reader can resume. */
  positionOf(number: number): string {
    return `${this.id}:${number}`;
  }
}

/**
 * The subscriptions of all readers outside the backend, limited in number, size and time. A subscription without a reader is
 * kept for its return, and is discarded as soon as another needs its place; only connected readers count when one is refused.
 * Programs on this machine and devices have separate limits, so that neither can block the other.
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

  /**
   * Returns the subscription of a reader that resumes, if it still exists, else a new one. In force when it resolves. Stored events
   * are always read by a new one.
   *
   * @param position the id of the last event that the reader received
   * @returns the subscription, with the number of the last event that need not be sent again
   * @throws {TooManySubscriptionsError} when the limit of connected readers is reached
   */
  async resume(
    followed: Followed,
    position: string,
  ): Promise<{ readonly live: LiveSubscription; readonly after: number; readonly resumed: boolean }> {
    const { id, number } = positionOf(position);
    if (followed.stored !== undefined) {
      // After a restore the newest event may be one that the reader has not seen, with a lower number.
      const last = await followed.stored.last();
      const { after = last } = followed;
      const live = await this.open(followed);
      return { live, after: Math.min(id === '' ? after : number, last), resumed: id !== '' };
    }
    const found = this.#live.get(id);
    if (found?.log instanceof EventLog && isSame(found.followed, followed))
      return { live: found, after: Math.min(number, found.log.last), resumed: true };
    return { live: await this.open(followed), after: 0, resumed: false };
  }

  /**
   * Opens a new subscription. In force when it resolves.
   *
   * @throws {TooManySubscriptionsError}
   */
  async open(followed: Followed): Promise<LiveSubscription> {
    const { perDevice, total } = this.limits;
    const { kind, id } = followed.principal;
    if (kind === 'device')
      this.#makeRoom(perDevice, ({ principal }) => principal.kind === kind && principal.id === id);
    this.#makeRoom(total, ({ principal }) => principal.kind === kind);
    const { stored } = followed;
    const permitted = (live: LiveSubscription, next: () => void): void => {
      if (followed.isPermitted()) next();
      else void this.end(live);
    };
    if (stored !== undefined) {
      const live = new LiveSubscription(followed, new StoredEventLog(stored));
      this.#live.set(live.id, live);
      live.unsubscribe = stored.listen(() => permitted(live, () => live.log.wake()));
      return live;
    }
    const log = new EventLog(this.limits);
    const live = new LiveSubscription(followed, log);
    this.#live.set(live.id, live);
    try {
      const subscription = await this.#bus.subscribe(followed.topic, (topic, message, envelope) => {
        if (!topic.startsWith('_')) permitted(live, () => log.push(textOf(envelope, message)));
      });
      live.unsubscribe = () => subscription.unsubscribe();
    } catch (error) {
      this.#live.delete(live.id);
      throw error;
    }
    return live;
  }

  /**
   * If there are `limit` subscriptions of a kind, discards the one whose reader has been disconnected for longest.
   *
   * @throws {TooManySubscriptionsError} when all of them have connected readers
   */
  #makeRoom(limit: number, isCounted: (followed: Followed) => boolean): void {
    const isOne = ({ followed }: LiveSubscription): boolean => isCounted(followed);
    if ([...this.#live.values()].filter(isOne).length < limit) return;
    const detached = [...this.#detached].find(isOne);
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
      if (live.followed.stored !== undefined) {
        void this.end(live);
        return;
      }
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
    await live.unsubscribe?.();
  }

  async endAll(): Promise<void> {
    await Promise.all([...this.#live.values()].map((live) => this.end(live)));
  }
}

function isSame(one: Followed, other: Followed): boolean {
  return one.topic === other.topic && one.principal.id === other.principal.id;
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
