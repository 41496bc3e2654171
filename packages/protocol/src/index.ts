export {
  AicoError,
  type AicoErrorOptions,
  defineError,
  type ErrorClass,
  type ErrorContent,
  type ErrorDeclaration,
  type ErrorTraits,
  hintOf,
  reasonOf,
} from './aico-error.ts';
export { counted } from './counted.ts';
export {
  isDeeperThan,
  MAX_DATA_DEPTH,
  MAX_MESSAGE_BYTES,
  parseBoundedJson,
} from './data-bounds.ts';
export type { Envelope } from './envelope.ts';
export { DataBoundsError, TopicInvalidError } from './errors.ts';
export { hasDoubledKey, inexactNumberIn, parseJson } from './exact-json.ts';
export { ExitCode } from './exit-codes.ts';
export { type PrintableOptions, printable } from './printable.ts';
export { PROBLEM_MEDIA_TYPE, type Problem, type ProblemIssue, problemFrom } from './problem.ts';
export { TopicTrie } from './topic-trie.ts';
export {
  MAX_TOPIC_LENGTH,
  MAX_TOPIC_SEGMENTS,
  matchesTopic,
  parsePattern,
  parseTopic,
  topicSegment,
} from './topics.ts';
