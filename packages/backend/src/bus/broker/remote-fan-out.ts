import { DataBoundsError, MAX_TOPIC_LENGTH, TopicTrie } from '@aico/protocol';
import { CANCEL_PREFIX, type HubSubscription, isHidden, isLogTopic } from '@aico/shared/core/bus';
import type { FrameBatch } from '@aico/shared/core/bus/frames';
import { OutgoingQueues } from '../queues/outgoing-queues.ts';
import type { RemoteSubscription } from '../queues/remote-subscription.ts';
import type { LocalSide } from './broker-options.ts';
import type { Session } from './session.ts';

/** Delivers messages to the subscriptions of clients and to the plugins of this process. */
export class RemoteFanOut {
  readonly #local: LocalSide | undefined;
  readonly #topics = new TopicTrie<RemoteSubscription>();
  /** Subscriptions to reserved topics, which wildcards of other subscriptions do not match. */
  readonly #reserved = new TopicTrie<RemoteSubscription>(256);
  readonly #inHub = new Map<RemoteSubscription, HubSubscription>();
  /** Queues with messages that have not been sent. */
  readonly #dirty = new Set<OutgoingQueues>();
  #flushing = false;

  constructor(local: LocalSide | undefined) {
    this.#local = local;
  }

  /** Returns a promise if the subscription is not in force on every node yet. */
  add(session: Session, subscription: RemoteSubscription): Promise<void> | undefined {
    session.subscriptions.set(subscription.id, subscription);
    this.#trieOf(subscription.pattern).add(subscription.pattern, subscription);
    const inHub = this.#local?.subscribe(subscription, () => this.#flushSoon(session.queues));
    if (inHub !== undefined) this.#inHub.set(subscription, inHub);
    return inHub?.inForce;
  }

  remove(session: Session, subscription: RemoteSubscription): void {
    session.subscriptions.delete(subscription.id);
    this.#trieOf(subscription.pattern).remove(subscription.pattern, subscription);
    void this.#inHub.get(subscription)?.end();
    this.#inHub.delete(subscription);
    subscription.end();
  }

  /** Removes all state of a session that has ended. */
  forget(session: Session): void {
    this.#dirty.delete(session.queues);
    for (const subscription of session.subscriptions.values()) this.remove(session, subscription);
  }

  /** Whether requests on `topic` are answered: a responder subscribes to their cancellations. */
  isAnswered(topic: string): boolean {
    if (isHidden(topic) || this.#local?.isAnswered(topic) === true) return true;
    const cancels = CANCEL_PREFIX + topic;
    return cancels.length > MAX_TOPIC_LENGTH || this.#reserved.match(cancels).length > 0;
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
      if (!(owner instanceof OutgoingQueues)) continue;
      subscription.push(kept);
      if (replyto !== undefined && !isHidden(topic)) owner.expectAnswer(replyto, deadline);
      this.#dirty.add(owner);
      if (subscription.isFull && owner !== session.queues) session.waitFor(subscription);
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
    for (const queues of dirty) queues.flush();
  }

  /** Sends messages of plugins at the end of this turn of the event loop. */
  #flushSoon(queues: OutgoingQueues): void {
    this.#dirty.add(queues);
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
