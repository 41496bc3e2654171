import type { Client } from '@aico/client/local';
import { AICOPaths } from '@aico/shared/core/paths';
import type { Command } from 'commander';
import { createOutput, type Output } from './output.ts';

/** What every command works with. */
export interface CommandContext {
  readonly paths: AICOPaths;
  readonly output: Output;
  /** What `--via` names: a backend elsewhere, in the place of this home's. */
  readonly via: string | undefined;
  /** A client of the running backend, or of the one that `--via` names; one for the whole command. */
  client(): Promise<Client>;
}

/** The options every command takes. */
export interface GlobalOptions {
  readonly home?: string;
  readonly json?: boolean;
  readonly via?: string;
}

/** The context of the command line, made anew for each run; `close` lets go of the client. */
export class CommandLine implements CommandContext, AsyncDisposable {
  readonly #program: Command;
  #paths: AICOPaths | undefined;
  #output: Output | undefined;
  #client: Promise<Client> | undefined;

  constructor(program: Command) {
    this.#program = program;
  }

  get paths(): AICOPaths {
    const { home } = this.#program.opts<GlobalOptions>();
    this.#paths ??= new AICOPaths({ home });
    return this.#paths;
  }

  get output(): Output {
    this.#output ??= createOutput(() => this.#program.opts<GlobalOptions>().json === true);
    return this.#output;
  }

  get via(): string | undefined {
    return this.#program.opts<GlobalOptions>().via;
  }

  client(): Promise<Client> {
    // Loaded when first wanted: an HTTP client is no part of `aico --help`.
    this.#client ??= this.via === undefined ? this.#local() : this.#remote(this.via);
    return this.#client;
  }

  async #local(): Promise<Client> {
    const { connectLocal } = await import('@aico/client/local');
    return connectLocal({ socketPath: this.paths.socketFile });
  }

  async #remote(via: string): Promise<Client> {
    const [{ connect }, { Remotes }] = await Promise.all([import('@aico/client'), import('./remotes.ts')]);
    const { address, credentials } = await new Remotes(this.paths).find(via);
    return connect({ address, credentials });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Where it could not be made, the command has said so.
    await (await this.#client?.catch(() => undefined))?.close();
  }
}
