import type { Client } from '@aico/client/local';
import { AICOPaths } from '@aico/shared/core/paths';
import type { Command } from 'commander';
import { createOutput, type Output } from './output.ts';

/** What every command works with. */
export interface CommandContext {
  readonly paths: AICOPaths;
  readonly output: Output;
  /** A client of the running backend; one for the whole command. */
  client(): Promise<Client>;
}

/** The options every command takes. */
export interface GlobalOptions {
  readonly home?: string;
  readonly json?: boolean;
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

  client(): Promise<Client> {
    // Loaded when first wanted: an HTTP client is no part of `aico --help`.
    this.#client ??= import('@aico/client/local').then(({ connectLocal }) =>
      connectLocal({ socketPath: this.paths.socketFile }),
    );
    return this.#client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#client)?.close();
  }
}
