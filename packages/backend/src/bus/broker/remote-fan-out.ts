import { DataBoundsError, TopicTrie } from '@aico/protocol';
import { isHidden, isLogTopic } from '@aico/shared/core/bus';
import type { FrameBatch } from '@aico/shared/core/bus/zeromq';
import type { LocalSide } from './broker-options.ts';
import type { RemoteSubscription } from './remote-subscription.ts';
import { Session } from './session.ts';

/** Delivers messages to the subscriptions of clients and to the plugins of this process. */
export class RemoteFanOut {
  readonly #local: LocalSide | undefined;
  readonly #topics = new TopicTrie<RemoteSubscription>();
  /** Subscriptions to reserved topics, which wildcards of other subscriptions do not match. */
  readonly #reserved = new TopicTrie<RemoteSubscription>(256);
  readonly #releases = new Map<RemoteSubscription, () => void>();
  /** Sessions with queued messages. */
  readonly #dirty = new Set<Session>();
  #flushing = false;

  constructor(local: LocalSide | undefined) {
    this.#local = local;
  }

  add(session: Session, subscription: RemoteSubscription): void {
    session.subscriptions.set(subscription.id, subscription);
    this.#trieOf(subscription.pattern).add(subscription.pattern, subscription);
    const release = this.#local?.subscribe(subscription, () => this.#flushSoon(session));
    if (release !== undefined) this.#releases.set(subscription, release);
  }

  remove(session: Session, subscription: RemoteSubscription): void {
    session.subscriptions.delete(subscription.id);
    this.#trieOf(subscription.pattern).remove(subscription.pattern, subscription);
    this.#releases.get(subscription)?.();
    this.#releases.delete(subscription);
    subscription.end();
  }

  /** Removes all state of a session that has ended. */
  forget(session: Session): void {
    this.#dirty.delete(session);
    for (const subscription of session.subscriptions.values()) this.remove(session, subscription);
  }

  /** Queues a batch that `session` published, the `index`-th of its frame, for all matching subscriptions. */
  route(session: Session, batch: FrameBatch, index: number): void {
    session.published += batch.length;
    const { topic, replyto, deadline } = batch.header;
    // A line is delivered by the log, after it is redacted.
    const isLine = isLogTopic(topic);
    const subscriptions = isLine ? [] : this.#trieOf(topic).match(topic);
    const kept = subscriptions.length === 0 ? batch : batch.detached();
    for (const subscription of subscriptions) {
      const { owner } = subscription;
      if (!(owner instanceof Session)) continue;
      subscription.push(kept);
      if (replyto !== undefined && !isHidden(topic)) owner.expectAnswer(replyto, deadline);
      this.#dirty.add(owner);
      if (subscription.isFull && owner !== session) session.waitFor(subscription);
    }
    if (this.#local === undefined || !(isLine || this.#local.isSubscribedTo(topic))) return;
    try {
      const room = this.#local.publish(batch);
      if (room !== undefined) session.waitForLocal(room);
    } catch (error) {
      const code = error instanceof DataBoundsError ? 'BOUNDS' : 'PAYLOAD';
      session.refuse(index, code, error instanceof Error ? error.message : 'it cannot be decoded');
    }
  }

  /** Sends queued messages, as far as the windows allow. */
  flush(): void {
    const dirty = [...this.#dirty];
    this.#dirty.clear();
    for (const session of dirty) session.flush();
  }

  /** Sends messages of plugins at the end of this turn of the event loop. */
  #flushSoon(session: Session): void {
    this.#dirty.add(session);
    if (this.#flushing) return;
    this.#flushing = true;
    queueMicrotask(() => {
      this.#flushing = false;
      this.flush();
    });
  }

  #trieOf(topicOrPattern: string): TopicTrie<RemoteSubscription> {
    return isHidden(topicOrPattern) ? this.#reserved : this.#topics;
  }
}
