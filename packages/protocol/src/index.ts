export { counted } from './counted.ts';
export {
  DataBoundsError,
  isDeeperThan,
  MAX_DATA_DEPTH,
  MAX_MESSAGE_BYTES,
  parseBoundedJson,
} from './data-bounds.ts';
export type { Envelope } from './envelope.ts';
export { AicoError, type AicoErrorOptions } from './errors.ts';
export { type PrintableOptions, printable } from './printable.ts';
export { PROBLEM_MEDIA_TYPE, type Problem, type ProblemIssue, problemFrom } from './problem.ts';
export { TopicTrie } from './topic-trie.ts';
export {
  MAX_TOPIC_LENGTH,
  MAX_TOPIC_SEGMENTS,
  matchesTopic,
  parsePattern,
  parseTopic,
  TopicInvalidError,
  topicSegment,
} from './topics.ts';
