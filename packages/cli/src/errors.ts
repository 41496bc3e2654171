import { AicoError } from '@aico/protocol';

/** A command's own verdict, which is no failure of the command: the backend is not well, or refused. */
export class CommandFailedError extends AicoError {
  readonly exitCode: number;

  constructor(message: string, exitCode: number, hint?: string) {
    super('AICO_CLI_FAILED', message, hint === undefined ? {} : { hint });
    this.exitCode = exitCode;
  }
}

/** What is known of a background start that failed. */
export interface DetachedFailure {
  readonly message: string;
  readonly exitCode: number;
  readonly code?: string | undefined;
  readonly hint?: string | undefined;
}

/** A background start ended before it was ready. Carries what the process said, and its code where it had one. */
export class DetachedStartError extends AicoError {
  readonly exitCode: number;

  constructor({ message, exitCode, code, hint }: DetachedFailure) {
    super(code ?? 'AICO_CLI_DETACHED', message, hint === undefined ? {} : { hint });
    this.exitCode = exitCode;
  }
}

/** A plugin's commands could not be loaded. */
export class PluginCommandsError extends AicoError {
  constructor(plugin: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super('AICO_CLI_PLUGIN', `the commands of plugin "${plugin}" could not be loaded: ${reason}`, {
      hint: "The plugin's package must export `commands` from './cli'.",
      cause,
    });
  }
}

/** No backend elsewhere is known by that name or address. */
export class RemoteUnknownError extends AicoError {
  constructor(name: string, known: readonly string[]) {
    super('AICO_CLI_REMOTE_UNKNOWN', `this machine is paired with no backend called "${name}"`, {
      hint:
        known.length === 0
          ? 'It is paired with none. Pair it: `aico device pair` there, `aico device join ADDRESS` here.'
          : `Known: ${known.join(', ')}. Another is paired with: aico device join ADDRESS`,
    });
  }
}

/** What this machine keeps of a backend elsewhere cannot be read. */
export class RemoteUnreadableError extends AicoError {
  constructor(file: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super('AICO_CLI_REMOTE_UNREADABLE', `${file} cannot be used: ${reason}`, {
      hint: 'Put a copy back, or remove it and pair anew.',
      cause,
    });
  }
}

/** The command line cannot be understood or used. */
export class UsageError extends AicoError {
  constructor(message: string, hint?: string, cause?: unknown) {
    super('AICO_CLI_USAGE', message, {
      ...(hint === undefined ? {} : { hint }),
      ...(cause === undefined ? {} : { cause }),
    });
  }
}

/** The backend went away while it was asked to grant access to the bus. */
export class GrantUncertainError extends AicoError {
  constructor(component: string, file: string, cause: unknown) {
    super(
      'AICO_CLI_GRANT_UNCERTAIN',
      `it is not known whether "${component}" has access now: the backend did not answer`,
      {
        hint: `Its credential is ${file}. See \`aico bus list\`: where the component is missing or its key is older, remove the file and grant anew.`,
        cause,
      },
    );
  }
}

/** A component has its new key, and the credential could not be given its name. */
export class CredentialNotPlacedError extends AicoError {
  constructor(component: string, prepared: string, file: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(
      'AICO_CLI_CREDENTIAL',
      `"${component}" has its new key, but its credential is not in place: ${reason}`,
      {
        hint: `The credential is ${prepared}, or ${file} already: move it yourself.`,
        cause,
      },
    );
  }
}
