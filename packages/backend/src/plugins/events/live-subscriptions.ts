import { randomUUID } from 'node:crypto';
import { parsePattern, TopicInvalidError } from '@aico/protocol';
import { checkSubscribe, type Envelope, type MessageBus, type Subscription } from '@aico/shared/core/bus';
import { type Access, isAccess, type Principal } from '../../core/access.ts';
import { TooManySubscriptionsError, TopicRefusedError } from './errors.ts';
import { EventLog } from './event-log.ts';

/** What one reader may follow, and how long it may be away. */
export interface LiveLimits {
  readonly perPrincipal: number;
  readonly total: number;
  readonly events: number;
  readonly size: number;
  /** Milliseconds a subscription is kept for a reader who has gone. */
  readonly keepMs: number;
}

export const DEFAULT_LIMITS: LiveLimits = {
  perPrincipal: 32,
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

/** All that is followed from outside, bounded in number, size and time. */
export class LiveSubscriptions {
  readonly #bus: MessageBus;
  readonly #limits: LiveLimits;
  readonly #live = new Map<string, LiveSubscription>();

  constructor(bus: MessageBus, limits: LiveLimits = DEFAULT_LIMITS) {
    this.#bus = bus;
    this.#limits = limits;
  }

  get size(): number {
    return this.#live.size;
  }

  /** One that is there still, for the same reader and pattern. */
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
    const { perPrincipal, total } = this.#limits;
    const own = [...this.#live.values()].filter((each) => each.principal.id === principal.id).length;
    if (own >= perPrincipal) throw new TooManySubscriptionsError(perPrincipal);
    if (this.#live.size >= total) throw new TooManySubscriptionsError(total);
    const live = new LiveSubscription(pattern, principal, new EventLog(this.#limits));
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

  /** A reader reads it. The returned function says that it has gone. */
  attach(live: LiveSubscription): () => void {
    live.readers += 1;
    clearTimeout(live.expiry);
    let attached = true;
    return () => {
      if (!attached) return;
      attached = false;
      live.readers -= 1;
      if (live.readers > 0 || live.ended.signal.aborted) return;
      live.expiry = setTimeout(() => void this.end(live), this.#limits.keepMs);
      live.expiry.unref();
    };
  }

  async end(live: LiveSubscription): Promise<void> {
    this.#live.delete(live.id);
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
