import type { MessageBus } from '@aico/shared/core/bus';
import type { Logger } from '@aico/shared/core/logging';
import { createMutex } from '@aico/shared/core/tasks';
import type { WebSocket } from 'ws';
import type { Principal } from '../../core/access.ts';
import { CapabilityMissingError } from '../../gateway/index.ts';
import { TooManySubscriptionsError, TopicRefusedError } from './errors.ts';
import {
  accessFor,
  accessToPublish,
  type LiveSubscription,
  type LiveSubscriptions,
  mayFollow,
} from './live-subscriptions.ts';
import { idOf, isOurs, parseSaid, type Said, type Told, toldError, toldEvent } from './socket-protocol.ts';

/** Milliseconds between two questions whether the peer is there still. */
const HEARTBEAT_MS = 30_000;
/** Messages of the client that may wait for their turn; then it is not read from. */
const WAITING = 64;
/** Characters of them that may wait. */
const WAITING_SIZE = 1_048_576;
/** Events sent in one go before it is looked whether the client takes them. */
const BATCH = 64;
/** RFC 6455, 7.4.1: a message of a kind that is not taken. */
const UNSUPPORTED = 1003;

export interface TopicSocketOptions {
  readonly webSocket: WebSocket;
  readonly live: LiveSubscriptions;
  /** Publishes in the client's name. */
  readonly bus: MessageBus;
  readonly principal: Principal;
  readonly logger: Logger;
}

interface Following {
  readonly subscription: LiveSubscription;
  readonly leave: () => void;
}

/**
 * Topics of the bus over one WebSocket: subscribes and publishes as the client asks and its rights allow. Bounded whatever
 * the client does: each subscription keeps the latest events and counts what it loses, what the client says waits in a short
 * queue beyond which it is not read from, and a client that does not answer a ping is disconnected.
 */
export class TopicSocket {
  readonly #options: TopicSocketOptions;
  readonly #following = new Map<string, Following>();
  readonly #closed = Promise.withResolvers<void>();
  #waiting = 0;
  #waitingSize = 0;
  readonly #exclusive = createMutex();
  #isThere = true;

  constructor(options: TopicSocketOptions) {
    this.#options = options;
    const { webSocket } = options;
    webSocket.on('message', (data, isBinary) => {
      // Text of a Buffer alone: the socket's binaryType is not changed.
      if (isBinary || !Buffer.isBuffer(data)) webSocket.close(UNSUPPORTED);
      else this.#take(data.toString());
    });
    webSocket.on('pong', () => {
      this.#isThere = true;
    });
    webSocket.on('error', (error) => options.logger.debug('A WebSocket broke', { error }));
    const heartbeat = setInterval(() => this.#ask(), HEARTBEAT_MS);
    heartbeat.unref();
    webSocket.once('close', () => {
      clearInterval(heartbeat);
      for (const { leave } of this.#following.values()) leave();
      this.#closed.resolve();
    });
  }

  /** Resolves when it is over and nothing of it goes on. */
  get closed(): Promise<void> {
    return this.#closed.promise.then(() => this.#exclusive(() => undefined));
  }

  #ask(): void {
    const { webSocket } = this.#options;
    if (!this.#isThere) {
      webSocket.terminate();
      return;
    }
    this.#isThere = false;
    webSocket.ping();
  }

  /** One after the other, in the order in which they came. */
  #take(text: string): void {
    const { webSocket } = this.#options;
    this.#waiting += 1;
    this.#waitingSize += text.length;
    if (this.#waiting >= WAITING || this.#waitingSize >= WAITING_SIZE) webSocket.pause();
    void this.#exclusive(() => this.#answer(text))
      .catch((error: unknown) => {
        this.#options.logger.error('A message on a WebSocket could not be answered', { error });
      })
      .then(() => {
        this.#waiting -= 1;
        this.#waitingSize -= text.length;
        if (webSocket.isPaused && this.#waiting < WAITING / 2 && this.#waitingSize < WAITING_SIZE / 2)
          webSocket.resume();
      });
  }

  async #answer(text: string): Promise<void> {
    const { webSocket, logger } = this.#options;
    if (webSocket.readyState !== webSocket.OPEN) return;
    try {
      const said = parseSaid(text);
      if (said.op === 'subscribe') await this.#subscribe(said);
      else if (said.op === 'unsubscribe') await this.#unsubscribe(said);
      else await this.#publish(said);
    } catch (error) {
      if (isOurs(error)) logger.error('A message on a WebSocket was not served', { error });
      await this.#send(toldError(idOf(text), error));
    }
  }

  async #subscribe({ id, topic, after: position = '' }: Said & { readonly after?: string }): Promise<void> {
    const { live, principal } = this.#options;
    const isPermitted = (): boolean => mayFollow(principal, topic);
    if (!isPermitted()) throw new CapabilityMissingError(accessFor(topic));
    if (this.#following.has(topic)) throw new TopicRefusedError('it is subscribed to already');
    const { perDevice } = live.limits;
    if (this.#following.size >= perDevice) throw new TooManySubscriptionsError(perDevice);
    const resumption = await live.resume({ topic, principal, isPermitted }, position);
    const { live: subscription, after, resumed } = resumption;
    await this.#tell({ op: 'subscribed', id, topic, subscription: subscription.id, resumed });
    void this.#follow(topic, subscription, after);
  }

  async #unsubscribe({ id, topic }: Said): Promise<void> {
    const following = this.#following.get(topic);
    if (following === undefined) throw new TopicRefusedError('it is not subscribed to');
    this.#following.delete(topic);
    following.leave();
    // No reader will resume it.
    if (following.subscription.readers === 0) await this.#options.live.end(following.subscription);
    await this.#tell({ op: 'unsubscribed', id, topic });
  }

  async #publish(said: Said & { readonly data?: unknown }): Promise<void> {
    const { bus, principal } = this.#options;
    const { id, topic, data } = said;
    const access = accessToPublish(topic);
    if (!principal.may(access)) throw new CapabilityMissingError(access);
    await bus.publish(topic, data);
    await this.#tell({ op: 'published', id, topic });
  }

  /** Sends what comes, until it is left. Never more is on its way than the connection takes. */
  async #follow(topic: string, subscription: LiveSubscription, after: number): Promise<void> {
    const { live, webSocket } = this.#options;
    const detach = live.attach(subscription);
    const { log, ended } = subscription;
    let left = webSocket.readyState !== webSocket.OPEN;
    const leave = (): void => {
      if (left) return;
      left = true;
      detach();
      log.wake();
    };
    const following = { subscription, leave };
    this.#following.set(topic, following);
    ended.signal.addEventListener('abort', leave, { once: true });
    let at = after;
    while (!left && !ended.signal.aborted) {
      const { lost, events } = log.unread(at);
      at += lost;
      if (lost > 0) await this.#tell({ op: 'gap', topic, at: subscription.positionOf(at), lost });
      const batch = events.slice(0, BATCH);
      const sent = batch.map(({ number, text }) => {
        at = number;
        return this.#send(toldEvent(topic, subscription.positionOf(number), text));
      });
      await Promise.all(sent);
      if (!left && batch.length === 0) await log.news(at);
    }
    ended.signal.removeEventListener('abort', leave);
    if (this.#following.get(topic) !== following) return;
    this.#following.delete(topic);
    if (ended.signal.aborted) await this.#tell({ op: 'ended', topic });
  }

  #tell(told: Told): Promise<void> {
    return this.#send(JSON.stringify(told));
  }

  /** Resolves when the connection has taken it, or has gone. */
  #send(text: string): Promise<void> {
    return new Promise((resolve) => this.#options.webSocket.send(text, () => resolve()));
  }
}
