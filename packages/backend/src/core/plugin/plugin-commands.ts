import type { Command } from 'commander';

/**
 * Commands that a plugin adds to `aico`. Its package exports them as `commands` from `./cli`. They run in the process of the
 * command line and reach the plugin over the API, so they also work from another machine.
 *
 * @example
 * ```ts
 * export const commands: PluginCommands = {
 *   register(command, context) {
 *     command.command('count').action(async () => {
 *       const client = await context.client();
 *       context.output.print(await client.json('/api/v1/inbox/stats'), (stats) => String(stats));
 *     });
 *   },
 * };
 * ```
 */
export interface PluginCommands {
  /** Adds subcommands to `command`, which is `aico <plugin name>`. */
  register(command: Command, context: CommandContext): void;
}

/** The output and the client of a command of a plugin. */
export interface CommandContext {
  readonly output: Output;
  /** A client of the running backend, or of the one that `--via` names. One client serves the whole command. */
  client(): Promise<CommandClient>;
}

/** Sends requests to the backend, as `@aico/client` does. */
interface CommandClient {
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /**
   * The parsed answer; `undefined` if it has no body.
   *
   * @throws {ProblemError} when the backend refuses
   */
  json(path: string, init?: RequestInit): Promise<unknown>;
}

/** A progress bar; silent unless standard error is a terminal. */
interface Progress {
  update(done: number, note?: string): void;
  stop(): void;
}

/** The output of a command: text for a person, or one JSON value per line. */
export interface Output {
  readonly json: boolean;
  /**
   * Prints `value` as JSON with `--json`, otherwise as `text` renders it. Control characters are escaped, except for colours.
   */
  print<T>(value: T, text: (value: T) => string): void;
  /** Prints a remark to stderr; does nothing with `--json`. */
  note(text: string): void;
  progress(total: number, label: string): Progress;
}
