import { Client, type ClientConfig } from 'pg';
import { Batch, type BatchOutcome, type Prepared, type Step, type StepResult } from './batch.ts';
import type { ServerAddress } from './connection-url.ts';
import { DatabaseLoginError } from './errors.ts';
import { connectFailure, isStalePlan } from './failures.ts';
import { lifeInsert } from './life.ts';
import type { WireParameters } from './values.ts';

const CONNECT_MS = 5_000;
const KEEPALIVE_MS = 10_000;
/** The time beyond the limit of the server after which a silent connection is given up, in milliseconds. */
const ANSWER_GRACE_MS = 5_000;
/** Statements that a connection keeps prepared. */
const KEPT = 256;
const NONE: WireParameters = { values: [], types: [] };

/** A statement and its parameters. */
export interface Statement {
  readonly text: string;
  readonly parameters?: WireParameters;
}

export interface ConnectionOptions {
  readonly address: ServerAddress;
  /** Milliseconds that a statement may run. */
  readonly limitMs: number;
  /** Cancels the running statement of another connection. */
  readonly cancelBackend: (pid: number) => Promise<void>;
  /** The database may not have the tables of the backend yet. */
  readonly isNew?: boolean;
}

interface Backend {
  readonly pid: number;
  readonly life: string;
}

interface RunOptions {
  /** Bytes that the rows of a statement may take. Unlimited by default. */
  readonly maxBytes?: number;
  /** Milliseconds after which the connection is given up. Default: the limit of a statement. */
  readonly limitMs?: number;
}

/** A step of a batch failed, which is its `cause`; the server skipped those after it. */
export class StepFailed extends Error {
  readonly results: readonly StepResult[];
  readonly isTooLarge: boolean;
  /** A prepared statement has outdated columns. It is prepared again at its next use. */
  readonly isStale: boolean;

  constructor({ results, error, tooLarge }: BatchOutcome) {
    super('a statement of a batch failed', { cause: error });
    this.results = results;
    this.isTooLarge = tooLarge;
    this.isStale = isStalePlan(error);
  }
}

/** One connection to the server, and the statements that it keeps prepared. */
export class PostgresConnection {
  readonly #client: Client;
  readonly #limitMs: number;
  readonly #prepared = new Map<string, Prepared>();
  #forgotten: string[] = [];
  #lastName = 0;
  #lost: unknown;
  #cancelling: Promise<void> | undefined;
  #runs = 0;
  readonly #cancelBackend: (pid: number) => Promise<void>;
  readonly #pid: number;
  /** See `_aico_life` in bootstrap.ts: equal for two connections if the server did not crash between them. */
  readonly life: string;

  private constructor(client: Client, { pid, life }: Backend, options: ConnectionOptions) {
    this.#client = client;
    this.#pid = pid;
    this.life = life;
    this.#limitMs = options.limitMs;
    this.#cancelBackend = options.cancelBackend;
    client.on('error', (error) => {
      this.#lost ??= error;
    });
    client.on('end', () => {
      this.#lost ??= new Error('the server closed the connection');
    });
  }

  /** Connects. @throws {DatabaseUnreachableError} @throws {DatabaseLoginError} @throws {DatabaseTlsError} */
  static async open(options: ConnectionOptions): Promise<PostgresConnection> {
    const { host, port, database, user, password, tls, location } = options.address;
    const { limitMs } = options;
    const config: ClientConfig = {
      host,
      port,
      database,
      user,
      // Without a password the library would look for one in a file of the user.
      password: password ?? '',
      ssl: tls,
      application_name: 'aico',
      connectionTimeoutMillis: CONNECT_MS,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEPALIVE_MS,
      statement_timeout: limitMs,
      idle_in_transaction_session_timeout: limitMs * 2,
      options:
        '-c search_path=aico,pg_temp -c standard_conforming_strings=on -c bytea_output=hex -c extra_float_digits=1 -c datestyle=ISO',
    };
    const client = new Client(config);
    let unsafe: DatabaseLoginError | undefined;
    const refuse = (method: string): void => {
      unsafe = new DatabaseLoginError(
        location,
        `the server asks for the password by ${method}, which reveals it or its hash`,
        'Set `password_encryption = scram-sha-256` and `scram-sha-256` in pg_hba.conf, and set the password of the role again.',
      );
      client.connection.stream.destroy();
    };
    client.connection.prependListener('authenticationCleartextPassword', () => refuse('plain text'));
    client.connection.prependListener('authenticationMD5Password', () => refuse('MD5'));
    // An error that follows the first one has no listener otherwise.
    client.on('error', () => undefined);
    try {
      await client.connect();
      const life = options.isNew === true ? "''" : '(SELECT token FROM _aico_life)';
      // The server empties this table in a crash.
      if (options.isNew !== true) await client.query(lifeInsert());
      const { rows } = await client.query<Backend>(`SELECT pg_backend_pid() AS pid, ${life} AS life`);
      return new PostgresConnection(client, rows[0] ?? { pid: 0, life: '' }, options);
    } catch (error) {
      client.connection.stream.destroy();
      throw unsafe ?? connectFailure(error, location);
    }
  }

  /** The reason why the connection can no longer be used, if there is one. */
  get lost(): unknown {
    return this.#lost;
  }

  /** Runs statements in order and in one round trip. @throws {StepFailed} */
  async run(
    statements: readonly Statement[],
    { maxBytes = Number.POSITIVE_INFINITY, limitMs = this.#limitMs }: RunOptions = {},
  ): Promise<readonly StepResult[]> {
    const steps: Step[] = statements.map(({ text, parameters = NONE }) => ({
      prepared: this.#prepare(text, parameters.types),
      values: parameters.values,
    }));
    const forget = this.#forgotten;
    this.#forgotten = [];
    this.#runs += 1;
    const outcome = await new Promise<BatchOutcome>((resolve) => {
      if (this.#lost !== undefined) {
        resolve({ results: [], error: this.#lost, tooLarge: false });
        return;
      }
      const timer = setTimeout(
        () => this.destroy(new Error('the server did not answer')),
        limitMs + ANSWER_GRACE_MS,
      );
      this.#client.query(
        new Batch(steps, {
          forget,
          maxBytes,
          onTooLarge: () => this.cancel(),
          done: (found) => {
            clearTimeout(timer);
            resolve(found);
          },
        }),
      );
    });
    this.#runs -= 1;
    // A request to cancel must not reach the next statement.
    await this.#cancelling;
    this.#cancelling = undefined;
    if (outcome.error === undefined && !outcome.tooLarge) return outcome.results;
    const failure = new StepFailed(outcome);
    const failed = steps[outcome.results.length]?.prepared;
    if (failure.isStale && failed !== undefined) failed.fields = undefined;
    throw failure;
  }

  /** Runs one statement. @throws {StepFailed} */
  async one(text: string, parameters?: WireParameters, options?: RunOptions): Promise<StepResult> {
    const [result] = await this.run([parameters === undefined ? { text } : { text, parameters }], options);
    if (result === undefined) throw new Error('the server gave no result');
    return result;
  }

  /** Cancels the running statement, if there is one. */
  cancel(): void {
    if (this.#runs > 0 && this.#lost === undefined)
      this.#cancelling ??= this.#cancelBackend(this.#pid).catch(() => undefined);
  }

  /** Ends the connection at once. A running statement is rolled back by the server when it notices. */
  destroy(reason: unknown): void {
    this.#lost ??= reason;
    this.#client.connection.stream.destroy(reason instanceof Error ? reason : undefined);
  }

  async close(): Promise<void> {
    this.#lost ??= new Error('the connection was closed');
    await this.#client.end().catch(() => undefined);
  }

  #prepare(text: string, types: readonly number[]): Prepared {
    const key = types.length === 0 ? text : `${types.join(',')} ${text}`;
    const found = this.#prepared.get(key);
    if (found !== undefined) {
      // The map is in the order of the last use.
      this.#prepared.delete(key);
      this.#prepared.set(key, found);
      return found;
    }
    for (const [oldest, { name }] of this.#prepared) {
      if (this.#prepared.size < KEPT) break;
      this.#prepared.delete(oldest);
      this.#forgotten.push(name);
    }
    this.#lastName += 1;
    const prepared: Prepared = { name: `s${this.#lastName}`, text, types, fields: undefined };
    this.#prepared.set(key, prepared);
    return prepared;
  }
}
