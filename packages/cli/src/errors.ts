import { AicoError, defineError, reasonOf } from '@aico/protocol';

/** A command's own verdict, which is no failure of the command: the backend is not well, or refused. */
export class CommandFailedError extends defineError({
  code: 'AICO_CLI_FAILED',
  make: (message: string, exitCode: number, hint?: string) => ({ message, hint, exitCode }),
}) {}

/** What is known of a background start that failed. */
export interface DetachedFailure {
  readonly message: string;
  readonly exitCode: number;
  readonly code?: string | undefined;
  readonly hint?: string | undefined;
}

/** A background start ended before it was ready. Carries what the process said, and its code where it had one. */
export class DetachedStartError extends defineError({
  code: 'AICO_CLI_DETACHED',
  make: ({ message, exitCode, code = 'AICO_CLI_DETACHED', hint }: DetachedFailure) => ({
    message,
    hint,
    code,
    exitCode,
  }),
}) {}

/** A plugin's commands could not be loaded. */
export class PluginCommandsError extends defineError({
  code: 'AICO_CLI_PLUGIN',
  hint: "The plugin's package must export `commands` from './cli'.",
  make: (plugin: string, cause: unknown) => {
    const reason = reasonOf(cause);
    return { message: `the commands of plugin "${plugin}" could not be loaded: ${reason}`, cause };
  },
}) {}

/** No backend elsewhere is known by that name or address. */
export class RemoteUnknownError extends defineError({
  code: 'AICO_CLI_REMOTE_UNKNOWN',
  make: (name: string, known: readonly string[]) => ({
    message: `this machine is paired with no backend called "${name}"`,
    hint:
      known.length === 0
        ? 'It is paired with none. Pair it: `aico device pair` there, `aico device join ADDRESS` here.'
        : `Known: ${known.join(', ')}. Another is paired with: aico device join ADDRESS`,
  }),
}) {}

/** What this machine keeps of a backend elsewhere cannot be read. */
export class RemoteUnreadableError extends defineError({
  code: 'AICO_CLI_REMOTE_UNREADABLE',
  hint: 'Put a copy back, or remove it and pair anew.',
  make: (file: string, cause: unknown) => {
    const reason = reasonOf(cause);
    return { message: `${file} cannot be used: ${reason}`, cause };
  },
}) {}

/** The command line cannot be understood or used. */
export class UsageError extends defineError({
  code: 'AICO_CLI_USAGE',
  exit: 'usage',
  make: (message: string, hint?: string, cause?: unknown) => ({ message, hint, cause }),
}) {}

/** The backend went away while it was asked to grant access to the bus. */
export class GrantUncertainError extends defineError({
  code: 'AICO_CLI_GRANT_UNCERTAIN',
  make: (component: string, file: string, cause: unknown) => ({
    message: `it is not known whether "${component}" has access now: the backend did not answer`,
    hint: `Its credential is ${file}. See \`aico bus list\`: where the component is missing or its key is older, remove the file and grant anew.`,
    cause,
  }),
}) {}

/** A component has its new key, and the credential could not be given its name. */
export class CredentialNotPlacedError extends defineError({
  code: 'AICO_CLI_CREDENTIAL',
  make: (component: string, prepared: string, file: string, cause: unknown) => {
    const reason = reasonOf(cause);
    return {
      message: `"${component}" has its new key, but its credential is not in place: ${reason}`,
      hint: `The credential is ${prepared}, or ${file} already: move it yourself.`,
      cause,
    };
  },
}) {}

/** A change failed, or something after it did; the message says which of the two states holds. */
export class ChangeFailedError extends defineError({
  code: 'AICO_CLI_CHANGE_FAILED',
  make: (state: string, cause: unknown) => ({
    message: `${reasonOf(cause)}. ${state}`,
    hint: cause instanceof AicoError ? cause.hint : undefined,
    cause,
  }),
}) {}
