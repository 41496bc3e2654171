import type { MessageHead } from './message.ts';

/**
 * Messages of one publisher on one topic that follow each other. A burst travels as one run, which all its
 * subscriptions share: per message it costs one place in one array.
 */
export interface MessageRun {
  readonly head: MessageHead;
  /** The number of the first; each further one has the next. */
  readonly sequence: number;
  readonly payloads: readonly unknown[];
  /** Whether every subscription must be given its own copy of each payload, because they cannot be frozen. */
  readonly copied: boolean;
}
