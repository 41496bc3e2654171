import { ExitCode } from './exit-codes.ts';

/** The optional parts of an error. */
export interface AicoErrorOptions {
  /** A sentence that tells the reader how to resolve the failure. */
  readonly hint?: string | undefined;
  /** The failure underneath, kept for the log; never sent to a peer. */
  readonly cause?: unknown;
}

/**
 * The base of every error that the project throws on purpose: a stable `code`, a message that says what happened and
 * why, a `hint` that says what to do, and the `cause`. `defineError()` declares one; docs/errors.md lists all of them.
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

/**
 * The message of a thrown error; a thrown value of any other type as text. Never throws, since it runs where a failure is handled.
 *
 * @example reasonOf(Object.create(null)); // 'a value that has no text was thrown'
 */
export function reasonOf(thrown: unknown): string {
  try {
    return String(thrown instanceof Error ? thrown.message : thrown);
  } catch {
    return 'a value that has no text was thrown';
  }
}

/** The `hint` of an error of the project or of a plugin: the remedy. */
export function hintOf(thrown: unknown): string | undefined {
  return thrown instanceof Error && 'hint' in thrown && typeof thrown.hint === 'string'
    ? thrown.hint
    : undefined;
}

/** The message of one error, its options and the typed fields of its class. */
export interface ErrorContent extends AicoErrorOptions {
  readonly message: string;
}

/** The constant part of an error's declaration. */
export interface ErrorTraits {
  /** `AICO_<ROOM>_<WHAT>`; a plugin uses its own prefix. */
  readonly code: string;
  /** The hint, if it is constant. */
  readonly hint?: string;
  /** The HTTP status of a reply. A peer gets no details of an error without one, or with one from 500 except 502 to 504. */
  readonly status?: number;
  /** The exit code with which a start or a command ends. Default: that of the nearest error above it, else `failure`. */
  readonly exit?: keyof typeof ExitCode;
}

/** The declaration of a failure. */
export interface ErrorDeclaration<Args extends readonly unknown[], Content extends ErrorContent>
  extends ErrorTraits {
  /** Builds the message and the typed fields from the arguments of the constructor. */
  readonly make: (...args: Args) => Content;
}

/** The typed fields of an error. */
type Fields<Content> = Readonly<Omit<Content, keyof ErrorContent>>;

/** An error class that `defineError()` returns. */
export type ErrorClass<Args extends readonly unknown[], Content> = (new (
  ...args: Args
) => AicoError & Fields<Content>) & { readonly declaration: ErrorTraits };

/**
 * Declares an error. Extend the result, so that the class has a name; `instanceof` narrows to it with its typed fields.
 *
 * @example
 * ```ts
 * /** There is no note of this id. *\/
 * export class NoteMissingError extends defineError({
 *   code: 'NOTES_MISSING',
 *   status: 404,
 *   hint: 'List the notes to see their ids.',
 *   make: (id: string) => ({ message: `there is no note "${id}"`, id }),
 * }) {}
 *
 * throw new NoteMissingError('7');
 * ```
 */
export function defineError<Args extends readonly unknown[], Content extends ErrorContent>(
  declaration: ErrorDeclaration<Args, Content>,
): ErrorClass<Args, Content> {
  const { code, status, exit, make } = declaration;
  const traits = {
    ...(status === undefined ? {} : { statusCode: status }),
    ...(exit === undefined ? {} : { exitCode: ExitCode[exit] }),
  };
  class DeclaredError extends AicoError {
    static readonly declaration: ErrorTraits = declaration;

    constructor(...args: Args) {
      const { message, hint = declaration.hint, cause, ...fields } = make(...args);
      super(code, message, { hint, cause });
      Object.assign(this, traits, fields);
    }
  }
  // The fields were assigned above; a class declaration cannot express fields of a type parameter.
  return DeclaredError as unknown as ErrorClass<Args, Content>;
}
