import { BusTopicReservedError } from '../errors.ts';

/** A part of the backend that owns topics. */
export type TopicOwner = 'bus' | 'logging';

/** Topics that only their owner may publish on. */
export interface ReservedTopics {
  readonly owner: TopicOwner;
  /** Whether a topic or pattern whose first segment is `segment` belongs to them. */
  includes(segment: string): boolean;
  /** Whether others may subscribe to them, by a pattern that names their first segment or begins with a wildcard. */
  readonly isPublic: boolean;
  /** Completes "the topic is reserved: …". */
  readonly reason: string;
}

/**
 * Every topic that is reserved. This table is the only statement of it: clients, grants, the broker and the HTTP routes
 * ask the functions below.
 */
export const RESERVED_TOPICS: readonly ReservedTopics[] = [
  {
    owner: 'bus',
    includes: (segment) => segment.startsWith('_'),
    isPublic: false,
    reason: 'topics that begin with "_" belong to the bus itself',
  },
  {
    owner: 'logging',
    includes: (segment) => segment === 'logs',
    isPublic: true,
    reason: 'log lines come from a logger and from nothing else',
  },
];

/** The prefix of the topics on which answers to requests are published. */
export const REPLY_PREFIX = '_reply.';

/** Precedes the topic of a request that is cancelled. */
export const CANCEL_PREFIX = '_cancel.';

/** Whether a topic carries log lines, which only a logger publishes. */
export function isLogTopic(topic: string): boolean {
  return topic.startsWith('logs.');
}

/** The topics of the bus itself are kept apart from all others, so that no pattern with a leading wildcard matches them. */
export function isHidden(topicOrPattern: string): boolean {
  return topicOrPattern.startsWith('_');
}

/**
 * Why a component that owns `owned` may not publish on `topic`; `undefined` when it may.
 *
 * @example whyNotPublish('logs.gateway', []); // 'log lines come from a logger and from nothing else'
 */
export function whyNotPublish(topic: string, owned: readonly TopicOwner[] = []): string | undefined {
  const reserved = reservedFor(topic);
  return reserved === undefined || owned.includes(reserved.owner) ? undefined : reserved.reason;
}

/** Why a component that owns `owned` may not subscribe to `pattern`; `undefined` when it may. */
export function whyNotSubscribe(pattern: string, owned: readonly TopicOwner[] = []): string | undefined {
  const reserved = reservedFor(pattern);
  return reserved === undefined || reserved.isPublic || owned.includes(reserved.owner)
    ? undefined
    : reserved.reason;
}

/**
 * Refuses a topic that a part of the backend has for itself.
 *
 * @throws {BusTopicReservedError} when only its owner may publish on `topic`
 */
export function checkPublish(topic: string, owned?: readonly TopicOwner[]): void {
  const reason = whyNotPublish(topic, owned);
  if (reason !== undefined) throw new BusTopicReservedError(topic, reason);
}

/**
 * Refuses a pattern of topics that a part of the backend has for itself.
 *
 * @throws {BusTopicReservedError} when only its owner may subscribe to `pattern`
 */
export function checkSubscribe(pattern: string, owned?: readonly TopicOwner[]): void {
  const reason = whyNotSubscribe(pattern, owned);
  if (reason !== undefined) throw new BusTopicReservedError(pattern, reason);
}

function reservedFor(topicOrPattern: string): ReservedTopics | undefined {
  const end = topicOrPattern.indexOf('.');
  const segment = end === -1 ? topicOrPattern : topicOrPattern.slice(0, end);
  return RESERVED_TOPICS.find((reserved) => reserved.includes(segment));
}
