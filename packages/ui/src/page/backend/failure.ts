import { ProblemError } from '@aico/client/page';
import { AicoError } from '@aico/protocol';

/** Why something could not be loaded or done, for the user. */
export interface Failure {
  readonly message: string;
  readonly hint?: string | undefined;
  readonly code?: string | undefined;
  /** The request, whose log lines explain the failure. */
  readonly requestId?: string | undefined;
  /** Errors of single fields, by their path. */
  readonly fields: ReadonlyMap<string, string>;
}

export function failureOf(error: unknown): Failure {
  if (error instanceof ProblemError) {
    const { problem } = error;
    return {
      message: problem.detail ?? problem.title,
      hint: problem.hint,
      code: problem.code,
      requestId: problem.request_id,
      fields: new Map((problem.errors ?? []).map(({ path, message }) => [path, message])),
    };
  }
  const fields = new Map<string, string>();
  if (error instanceof AicoError)
    return { message: error.message, hint: error.hint, code: error.code, fields };
  return { message: error instanceof Error ? error.message : String(error), fields };
}
