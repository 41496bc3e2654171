import { AicoError } from '@aico/protocol';

/** A command's own verdict, which is no failure of the command: the backend is not well, or refused. */
export class CommandFailedError extends AicoError {
  readonly exitCode: number;

  constructor(message: string, exitCode: number, hint?: string) {
    super('AICO_CLI_FAILED', message, hint === undefined ? {} : { hint });
    this.exitCode = exitCode;
  }
}

/** A background start ended before it was ready. Carries what the process said. */
export class DetachedStartError extends AicoError {
  readonly exitCode: number;

  constructor(message: string, exitCode: number, hint: string | undefined) {
    super('AICO_CLI_DETACHED', message, hint === undefined ? {} : { hint });
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

/** An argument that cannot be used. */
export class UsageError extends AicoError {
  constructor(message: string, hint?: string) {
    super('AICO_CLI_USAGE', message, hint === undefined ? {} : { hint });
  }
}
