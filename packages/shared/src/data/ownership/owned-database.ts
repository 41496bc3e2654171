import { TableNotOwnedError } from '../errors.ts';
import type {
  Database,
  DatabaseState,
  DatabaseStatus,
  Migration,
  MigrationReport,
  OpenTransaction,
  OverdueStatement,
  QueryResult,
  Row,
  SqlParameters,
  StreamOptions,
  Transaction,
  TransactionOptions,
} from '../types.ts';
import { OwnedOpenTransaction, runOwned } from './owned-transaction.ts';
import type { Principal } from './ownership.ts';
import type { Permits } from './permits.ts';

/** Brings an owner's tables up to date, with what that owner may do. */
type MigrateAs = (principal: Principal, migrations: readonly Migration[]) => Promise<MigrationReport>;

/**
 * The database in the name of one owner: its own tables, those of nobody, and those of others as declared. The same
 * engine; what a statement may touch is found out once for each text.
 */
export class OwnedDatabase implements Database {
  readonly #database: Database;
  readonly #principal: Principal;
  readonly #permits: Permits;
  readonly #migrateAs: MigrateAs;

  constructor(database: Database, principal: Principal, permits: Permits, migrateAs: MigrateAs) {
    this.#database = database;
    this.#principal = principal;
    this.#permits = permits;
    this.#migrateAs = migrateAs;
  }

  get state(): DatabaseState {
    return this.#database.state;
  }

  get overdue(): readonly OverdueStatement[] {
    return this.#database.overdue;
  }

  execute<R = Row>(sql: string, params?: SqlParameters): Promise<QueryResult<R>> {
    if (this.#permits.has(sql)) return this.#database.execute<R>(sql, params);
    return this.#permits.obtain(sql, params).then((bound) => this.#database.execute<R>(sql, bound));
  }

  async transaction<T>(work: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T> {
    return await this.#database.transaction((tx) => runOwned(tx, this.#permits, work), options);
  }

  async begin(options?: TransactionOptions): Promise<OpenTransaction> {
    return new OwnedOpenTransaction(await this.#database.begin(options), this.#permits);
  }

  async *stream<R = Row>(
    sql: string,
    params?: SqlParameters,
    options?: StreamOptions,
  ): AsyncGenerator<R, void, undefined> {
    yield* this.#database.stream<R>(sql, await this.#permits.obtain(sql, params), options);
  }

  async migrate(owner: string, migrations: readonly Migration[]): Promise<MigrationReport> {
    if (owner !== this.#principal.owner)
      throw new TableNotOwnedError(this.#principal.owner, '_aico_migrations', owner, 'write');
    return await this.#migrateAs(this.#principal, migrations);
  }

  async check(): Promise<void> {
    await this.#database.check();
  }

  async status(): Promise<DatabaseStatus> {
    return await this.#database.status();
  }

  /** Does nothing: the database belongs to whoever opened it. */
  async close(): Promise<void> {}
}
