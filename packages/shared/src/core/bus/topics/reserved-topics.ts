import { topicSegment } from '@aico/protocol';
import { BusTopicReservedError } from '../errors.ts';

/** A part of the backend that owns topics. */
export type TopicOwner = 'bus' | 'logging';

/** Topics that only their owner may publish on. */
export interface ReservedTopics {
  readonly owner: TopicOwner;
  /** Whether topics and patterns whose first segment is `segment` are reserved. */
  includes(segment: string): boolean;
  /** Whether others may subscribe, with a pattern that names the first segment or begins with a wildcard. */
  readonly isPublic: boolean;
  /** Completes "the topic is reserved: …". */
  readonly reason: string;
}

/**
 * All reserved topics. Clients, grants, the broker and the HTTP routes check this table through the functions below.
 */
export const RESERVED_TOPICS: readonly ReservedTopics[] = [
  {
    owner: 'bus',
    includes: (segment) => segment.startsWith('_'),
    isPublic: false,
    reason: 'topics that begin with "_" are used by the bus itself',
  },
  {
    owner: 'logging',
    includes: (segment) => segment === 'logs',
    isPublic: true,
    reason: 'only loggers publish log lines',
  },
];

/** The prefix of the topics on which answers to requests are published. */
export const REPLY_PREFIX = '_reply.';

/** The prefix of the topics on which requests are cancelled. */
export const CANCEL_PREFIX = '_cancel.';

/**
 * The topic of a service's log lines. A component of another process may publish on its own.
 *
 * @example logTopic('my plugin'); // 'logs.my_plugin'
 */
export function logTopic(service: string): string {
  return `logs.${topicSegment(service)}`;
}

/** Whether a topic carries log lines. */
export function isLogTopic(topic: string): boolean {
  return topic.startsWith('logs.');
}

/** Whether a topic is used by the bus itself. A pattern with a leading wildcard does not match such a topic. */
export function isHidden(topicOrPattern: string): boolean {
  return topicOrPattern.startsWith('_');
}

/**
 * The reason why a client with the topics of `owned` may not publish on `topic`; `undefined` when it may.
 *
 * @example whyNotPublish('logs.gateway', []); // 'only loggers publish log lines'
 */
export function whyNotPublish(topic: string, owned: readonly TopicOwner[] = []): string | undefined {
  const reserved = reservedFor(topic);
  return reserved === undefined || owned.includes(reserved.owner) ? undefined : reserved.reason;
}

/** The reason why a client with the topics of `owned` may not subscribe to `pattern`; `undefined` when it may. */
export function whyNotSubscribe(pattern: string, owned: readonly TopicOwner[] = []): string | undefined {
  const reserved = reservedFor(pattern);
  return reserved === undefined || reserved.isPublic || owned.includes(reserved.owner)
    ? undefined
    : reserved.reason;
}

/**
 * Throws unless a client with the topics of `owned` may publish on `topic`.
 *
 * @throws {BusTopicReservedError}
 */
export function checkPublish(topic: string, owned?: readonly TopicOwner[]): void {
  const reason = whyNotPublish(topic, owned);
  if (reason !== undefined) throw new BusTopicReservedError(topic, reason);
}

/**
 * Throws unless a client with the topics of `owned` may subscribe to `pattern`.
 *
 * @throws {BusTopicReservedError}
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
