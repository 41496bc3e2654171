import { publicReason } from './sqlite-messages.ts';

/** A failure as the engine's thread reports it. */
export interface EngineFault {
  readonly code: string;
  readonly message: string;
  /** The system error, such as `ENOSPC`, if the engine thread found one. */
  readonly errno?: string;
  /** The statement of a migration that failed. */
  readonly statement?: string;
}

/**
 * A failure of the engine as the cause of an error. Causes are logged, so its message contains no private parts of a statement or its
 * parameters.
 */
export class EngineFailure extends Error {
  readonly code: string;
  /** The system error, if it is known; `systemErrorIn` reads it. */
  readonly errno?: string;
  readonly #failure: EngineFault;
  /** @param message the engine's message without private text, if the engine is not SQLite */
  constructor(
    failure: EngineFault,
    message = isSqlite(failure) ? publicReason(failure.message, () => false) : failure.message,
  ) {
    super(message);
    this.name = 'EngineFailure';
    this.code = failure.code;
    if (failure.errno !== undefined) this.errno = failure.errno;
    this.#failure = failure;
  }

  /** The failure with the engine's own message, which may be private. */
  get failure(): EngineFault {
    return this.#failure;
  }
}

/** Whether the message is that of SQLite or its driver, which may be private. */
export function isSqlite({ code }: EngineFault): boolean {
  return /^(?:SQLITE_|ENGINE_UNKNOWN$|ENGINE_PARAMETERS$)/.test(code);
}

/** The engine's original message, if the engine caused the error. */
export function engineMessageOf(cause: unknown): string | undefined {
  return cause instanceof EngineFailure ? cause.failure.message : undefined;
}
