import type { ConnectionOptions } from './connection.ts';
import { PostgresConnection } from './connection.ts';
import { ConnectionsTakenError } from './errors.ts';
import type { ServerState } from './server-state.ts';

const WAIT_MS = 30_000;

interface PoolOptions {
  readonly connection: ConnectionOptions;
  readonly server: ServerState;
  readonly max: number;
}

interface Waiting {
  readonly resolve: (connection: PostgresConnection) => void;
  readonly reject: (error: Error) => void;
}

/** A bounded number of connections. A connection belongs to one caller at a time, and a lost one is never used again. */
export class PostgresPool {
  readonly #options: PoolOptions;
  readonly #idle: PostgresConnection[] = [];
  readonly #busy = new Set<PostgresConnection>();
  readonly #waiting: Waiting[] = [];
  #opening = 0;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** @throws {DatabaseUnreachableError} at once while the server is down @throws {ConnectionsTakenError} */
  async acquire(): Promise<PostgresConnection> {
    const { server, max } = this.#options;
    server.refuseWhileDown();
    for (let found = this.#idle.pop(); found !== undefined; found = this.#idle.pop())
      if (found.lost === undefined) {
        this.#busy.add(found);
        return found;
      }
    if (this.#busy.size + this.#opening < max) return await this.#open();
    return await new Promise<PostgresConnection>((resolve, reject) => {
      const waiting: Waiting = {
        resolve: (connection) => {
          clearTimeout(timer);
          resolve(connection);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      };
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        reject(new ConnectionsTakenError(max, WAIT_MS));
      }, WAIT_MS);
      this.#waiting.push(waiting);
    });
  }

  /** Gives a connection back. It must have no open transaction. */
  release(connection: PostgresConnection): void {
    this.#busy.delete(connection);
    const next = this.#waiting.shift();
    if (connection.lost === undefined) {
      if (next === undefined) this.#idle.push(connection);
      else {
        this.#busy.add(connection);
        next.resolve(connection);
      }
    } else if (next !== undefined) void this.#open().then(next.resolve, next.reject);
  }

  /** Runs `work` with a connection. */
  async use<T>(work: (connection: PostgresConnection) => Promise<T>): Promise<T> {
    const connection = await this.acquire();
    try {
      return await work(connection);
    } finally {
      this.release(connection);
    }
  }

  get busy(): number {
    return this.#busy.size;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#idle.splice(0), ...this.#busy].map((connection) => connection.close()));
  }

  async #open(): Promise<PostgresConnection> {
    const { connection: options, server } = this.#options;
    this.#opening += 1;
    try {
      const connection = await PostgresConnection.open(options);
      this.#busy.add(connection);
      return connection;
    } catch (error) {
      server.noteFailure(error);
      for (const waiting of this.#waiting.splice(0))
        waiting.reject(error instanceof Error ? error : new Error(String(error)));
      throw error;
    } finally {
      this.#opening -= 1;
    }
  }
}
