import { TopicInvalidError } from './errors.ts';

/** The longest topic or pattern, in characters. */
export const MAX_TOPIC_LENGTH = 255;

/** The most segments of a topic or pattern, which bounds the work of matching topics of a peer. */
export const MAX_TOPIC_SEGMENTS = 16;

/** Any printable characters without white space, except the three with a meaning. */
const SEGMENT = /^[^.*>\s\p{C}]+$/u;

/**
 * Splits a topic, to which messages are published, into segments.
 *
 * @throws {TopicInvalidError} when it is empty, too long or deep, or holds an empty segment, a wildcard, white
 *   space or a control character
 * @example parseTopic('inbox.message.imported'); // ['inbox', 'message', 'imported']
 */
export function parseTopic(topic: string): readonly string[] {
  return split(topic, (segment) => {
    if (segment === '*' || segment === '>')
      return `is not a topic: "${segment}" belongs into patterns, one publishes on a full name`;
    return undefined;
  });
}

/**
 * Splits a pattern, to which clients subscribe, into segments. `*` matches exactly one segment; `>`, which must be last, matches
 * one or more (the rules of NATS, https://docs.nats.io/nats-concepts/subjects).
 *
 * @throws {TopicInvalidError} as {@link parseTopic}, and when `>` is not last
 * @example parsePattern('inbox.>'); // ['inbox', '>']
 */
export function parsePattern(pattern: string): readonly string[] {
  return split(pattern, (segment, last) =>
    segment === '>' && !last ? 'is not a pattern: ">" may only come last' : undefined,
  );
}

/**
 * Whether `pattern` matches `topic`. For many patterns at once, use `TopicTrie`.
 *
 * @throws {TopicInvalidError} when either is malformed
 * @example matchesTopic('logs.*', 'logs.gateway'); // true
 */
export function matchesTopic(pattern: string, topic: string): boolean {
  const wanted = parsePattern(pattern);
  const given = parseTopic(topic);
  for (const [index, segment] of wanted.entries()) {
    if (segment === '>') return given.length > index;
    if (index >= given.length || (segment !== '*' && segment !== given[index])) return false;
  }
  return wanted.length === given.length;
}

/**
 * `text` as one segment of a topic: invalid characters become `_`.
 *
 * @example topicSegment('my plugin.v2'); // 'my_plugin_v2'
 */
export function topicSegment(text: string): string {
  const segment = text.replace(/[.*>\s\p{C}]/gu, '_').slice(0, 128);
  return SEGMENT.test(segment) ? segment : '_';
}

function split(
  topic: string,
  refuse: (segment: string, last: boolean) => string | undefined,
): readonly string[] {
  if (topic.length === 0) throw new TopicInvalidError(topic, 'is not a topic: it is empty');
  if (topic.length > MAX_TOPIC_LENGTH)
    throw new TopicInvalidError(topic, `is too long: at most ${MAX_TOPIC_LENGTH} characters`);
  const segments = topic.split('.');
  if (segments.length > MAX_TOPIC_SEGMENTS)
    throw new TopicInvalidError(topic, `is too deep: at most ${MAX_TOPIC_SEGMENTS} segments`);
  for (const [index, segment] of segments.entries()) {
    const reason = refuse(segment, index === segments.length - 1);
    if (reason !== undefined) throw new TopicInvalidError(topic, reason);
    if (segment === '*' || segment === '>' || SEGMENT.test(segment)) continue;
    throw new TopicInvalidError(
      topic,
      segment === ''
        ? 'is malformed: a segment is empty'
        : `is malformed: segment ${index + 1} holds white space, a control character or a wildcard within a word`,
    );
  }
  return segments;
}
