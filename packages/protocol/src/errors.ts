/** What every error of the project carries besides its message. */
export interface AicoErrorOptions {
  /** What to do about it, as one sentence addressed to the reader. */
  readonly hint?: string;
  /** The failure underneath, kept for the log; never sent to a peer. */
  readonly cause?: unknown;
}

/**
 * The base of every error the project throws on purpose: a stable `code`, a message that says what happened
 * and why, a `hint` that says what to do, and the `cause`.
 *
 * A subclass exists per failure and adds typed fields. `docs/errors.md` lists every code; a test holds the two
 * together.
 *
 * @example
 * ```ts
 * class TopicInvalidError extends AicoError {
 *   readonly topic: string;
 *   constructor(topic: string, reason: string) {
 *     super('AICO_TOPIC_INVALID', `"${topic}" is not a topic: ${reason}`, { hint: 'Use dotted words: notes.created' });
 *     this.topic = topic;
 *   }
 * }
 * ```
 */
export abstract class AicoError extends Error {
  readonly code: string;
  readonly hint: string | undefined;

  constructor(code: string, message: string, options: AicoErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.name = new.target.name;
  }
}
