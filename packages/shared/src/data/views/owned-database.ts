import { TableNotOwnedError } from '../ownership/errors.ts';
import type { StatementRegistry } from '../statements/statement-registry.ts';
import { TransactionEndedError } from '../transactions/errors.ts';
import type { OwnedOptions } from '../transactions/open-transactions.ts';
import { TransactionScope } from '../transactions/transaction-scope.ts';
import type {
  Database,
  DatabaseState,
  DatabaseStatus,
  DatabaseView,
  Migration,
  MigrationReport,
  OpenTransaction,
  OverdueStatement,
  OwnableDatabase,
  QueryResult,
  Row,
  SqlDialect,
  SqlParameters,
  StreamOptions,
  Transaction,
  TransactionOptions,
} from '../types.ts';
import { OwnedTransaction } from './owned-transaction.ts';

/** The parts of the database that a view of one owner uses. */
interface OwnedAccess {
  readonly owner: string;
  /** Its statements have the owner's principal, by which the engine authorises them. */
  readonly registry: StatementRegistry;
  readonly database: Pick<Database, 'dialect' | 'state' | 'overdue' | 'check' | 'status'> & {
    transaction<T>(work: (tx: TransactionScope) => Promise<T>, options: OwnedOptions): Promise<T>;
    begin(options: OwnedOptions): Promise<TransactionScope>;
  };
  readonly execute: <R>(sql: string, params?: SqlParameters) => Promise<QueryResult<R>>;
  readonly stream: <R>(sql: string, params?: SqlParameters, options?: StreamOptions) => AsyncIterable<R>;
  readonly migrate: (migrations: readonly Migration[]) => Promise<MigrationReport>;
}

/** The database with the rights of one owner: its own tables, and those of other owners as declared. */
export class OwnedDatabase implements DatabaseView {
  readonly #access: OwnedAccess;

  constructor(access: OwnedAccess) {
    this.#access = access;
  }

  get dialect(): SqlDialect {
    return this.#access.database.dialect;
  }

  get state(): DatabaseState {
    return this.#access.database.state;
  }

  get overdue(): readonly OverdueStatement[] {
    return this.#access.database.overdue;
  }

  execute<R = Row>(sql: string, params?: SqlParameters): Promise<QueryResult<R>> {
    return this.#access.execute<R>(sql, params);
  }

  transaction<T>(work: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T> {
    const { owner, database } = this.#access;
    return database.transaction((tx) => work(this.within(tx)), { ...options, owner });
  }

  async begin(options?: TransactionOptions): Promise<OpenTransaction> {
    const { owner, database } = this.#access;
    return this.within(await database.begin({ ...options, owner }));
  }

  within(tx: Transaction): OwnedTransaction {
    if (!(tx instanceof TransactionScope)) throw new TransactionEndedError('belongs to another database');
    return new OwnedTransaction(tx, this.#access.registry);
  }

  stream<R = Row>(sql: string, params?: SqlParameters, options?: StreamOptions): AsyncIterable<R> {
    return this.#access.stream<R>(sql, params, options);
  }

  async migrate(owner: string, migrations: readonly Migration[]): Promise<MigrationReport> {
    if (owner !== this.#access.owner)
      throw new TableNotOwnedError(this.#access.owner, '_aico_migrations', owner, 'write');
    return await this.#access.migrate(migrations);
  }

  check(): Promise<void> {
    return this.#access.database.check();
  }

  status(): Promise<DatabaseStatus> {
    return this.#access.database.status();
  }

  /** Does nothing: the database is closed by the code that opened it. */
  async close(): Promise<void> {}
}

/** Whether the database has all rights, and is not the view of an owner. */
export function isOwnable(database: Database): database is OwnableDatabase {
  return 'ownedBy' in database;
}
