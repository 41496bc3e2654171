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

/** Milliseconds between two pings. */
const HEARTBEAT_MS = 30_000;
/** The most queued messages of the client; beyond it, reading pauses. */
const WAITING = 64;
/** The most characters of queued messages. */
const WAITING_SIZE = 1_048_576;
/** Events that are sent before back-pressure is checked. */
const BATCH = 64;
/** RFC 6455, 7.4.1: a message of an unsupported kind. */
const UNSUPPORTED = 1003;

interface TopicSocketOptions {
  readonly webSocket: WebSocket;
  readonly live: LiveSubscriptions;
  /** Publishes under the name of the client. */
  readonly bus: MessageBus;
  readonly principal: Principal;
  readonly logger: Logger;
}

interface Following {
  readonly subscription: LiveSubscription;
  readonly leave: () => void;
}

/**
 * Topics of the bus over one WebSocket: subscribes and publishes as the client requests and its rights allow. Its resources are
 * bounded: each subscription keeps the latest events and counts lost ones, messages of the client wait in a short queue with
 * back-pressure, and a client that does not answer a ping is disconnected.
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
      // Text always arrives as a Buffer, since the socket's binaryType is not changed.
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

  /** Resolves when the socket is closed and nothing of it is in progress. */
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

  /** Handles messages one after the other, in their order. */
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

  /** Sends events until the subscription is left, no more than the connection accepts. */
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
      const changed = log.changed();
      const { lost, events } = await log.unread(at);
      at += lost;
      if (lost > 0) await this.#tell({ op: 'gap', topic, at: subscription.positionOf(at), lost });
      const batch = events.slice(0, BATCH);
      const sent = batch.map(({ number, text }) => {
        at = number;
        return this.#send(toldEvent(topic, subscription.positionOf(number), text));
      });
      await Promise.all(sent);
      if (!left && batch.length === 0) await changed;
    }
    ended.signal.removeEventListener('abort', leave);
    if (this.#following.get(topic) !== following) return;
    this.#following.delete(topic);
    if (ended.signal.aborted) await this.#tell({ op: 'ended', topic });
  }

  #tell(told: Told): Promise<void> {
    return this.#send(JSON.stringify(told));
  }

  /** Resolves when the connection has accepted the text, or is closed. */
  #send(text: string): Promise<void> {
    return new Promise((resolve) => this.#options.webSocket.send(text, () => resolve()));
  }
}
