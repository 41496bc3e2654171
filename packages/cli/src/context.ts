import { statSync } from 'node:fs';
import type { Output, CommandContext as PluginCommandContext } from '@aico/backend/plugin';
import type { NodeClient } from '@aico/client/local';
import { AICOPaths, HomeNotFolderError } from '@aico/shared/core/paths';
import type { Command } from 'commander';
import { createOutput } from './terminal/output.ts';

/** The context of every command of `aico`. Commands of plugins see the part that `@aico/backend/plugin` declares. */
export interface CommandContext extends PluginCommandContext {
  readonly paths: AICOPaths;
  /** The backend named by `--via`, instead of this home's. */
  readonly via: string | undefined;
  /**
   * A client of the running backend, or of the one that `--via` names. One client serves the whole command.
   *
   * @param timeoutMs milliseconds until an answer must begin; default 120 000, for commands that take the backend time. The first
   *   call decides.
   */
  client(timeoutMs?: number): Promise<NodeClient>;
}

/** Milliseconds that a command waits for a simple query, so that a backend that hangs is reported soon. */
export const QUICK_ANSWER_MS = 10_000;

/** The options of every command. */
interface GlobalOptions {
  readonly home?: string;
  readonly json?: boolean;
  readonly via?: string;
}

/**
 * @returns the same paths
 * @throws {HomeNotFolderError} when the home is a file: each command would report another file below it as missing
 */
function existingFolder(paths: AICOPaths): AICOPaths {
  const { home } = paths;
  if (home !== undefined && statSync(home, { throwIfNoEntry: false })?.isDirectory() === false)
    throw new HomeNotFolderError(home, undefined);
  return paths;
}

/** The context of one run of the command line; disposing it closes the client. */
export class CommandLine implements CommandContext, AsyncDisposable {
  readonly #program: Command;
  #paths: AICOPaths | undefined;
  #output: Output | undefined;
  #client: Promise<NodeClient> | undefined;

  constructor(program: Command) {
    this.#program = program;
  }

  get paths(): AICOPaths {
    const { home } = this.#program.opts<GlobalOptions>();
    this.#paths ??= existingFolder(new AICOPaths({ home }));
    return this.#paths;
  }

  get output(): Output {
    this.#output ??= createOutput(() => this.#program.opts<GlobalOptions>().json === true);
    return this.#output;
  }

  get via(): string | undefined {
    return this.#program.opts<GlobalOptions>().via;
  }

  client(timeoutMs = 120_000): Promise<NodeClient> {
    // Loaded when it is first needed: `aico --help` needs no HTTP client.
    this.#client ??= this.via === undefined ? this.#local(timeoutMs) : this.#remote(this.via, timeoutMs);
    return this.#client;
  }

  async #local(timeoutMs: number): Promise<NodeClient> {
    const { connectLocal } = await import('@aico/client/local');
    return connectLocal({ socketPath: this.paths.socketFile, timeoutMs });
  }

  async #remote(via: string, timeoutMs: number): Promise<NodeClient> {
    const [{ connect }, { Remotes }] = await Promise.all([
      import('@aico/client'),
      import('./remote/remotes.ts'),
    ]);
    const { address, credentials } = await new Remotes(this.paths).find(via);
    return connect({ address, credentials, timeoutMs });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The command has already reported a client that could not be created.
    await (await this.#client?.catch(() => undefined))?.close();
  }
}
