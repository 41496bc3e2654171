export {
  QueryAbandonedError,
  QueryDeadlineError,
  QueryProcessError,
  QueryTooLargeError,
} from './ad-hoc/errors.ts';
export {
  AdHocQueries,
  type AdHocQueriesOptions,
  type AdHocQuery,
  type AdHocRows,
} from './ad-hoc/query-process.ts';
export { lacks, requireCapability } from './capabilities.ts';
export { EncryptedDatabase } from './encrypted-database.ts';
export type { DatabaseFaults, EncryptedDatabaseOptions } from './encrypted-database-options.ts';
export { type DiskFault, DiskFaults } from './engine/disk-faults.ts';
export type { CipherName } from './engine/wire.ts';
export { CapabilityMissingError } from './errors.ts';
export {
  DatabaseCipherError,
  DatabaseCorruptError,
  DatabaseGoneError,
  DatabaseHeadError,
  DatabaseHeadMissingError,
  DatabaseKeyWrongError,
  DatabaseOpenError,
  DatabaseOpenTwiceError,
  DatabaseReplacedError,
  DatabaseRolledBackError,
  NotADatabaseError,
  PlaintextDatabaseError,
} from './file/errors.ts';
export type { DatabaseWitness } from './file/rollback-guard.ts';
export {
  type AcceptRollbackOptions,
  acceptRollback,
  type RollbackFinding,
} from './maintenance/accept-rollback.ts';
export {
  BACKUP_FILES,
  type Backup,
  type BackupManifest,
  type BackupOptions,
  backupManifest,
  makeBackup,
  NOT_IN_A_BACKUP,
} from './maintenance/backup.ts';
export {
  BackupDamagedError,
  BackupFailedError,
  RestoreIntentError,
  RestoreUnfinishedError,
  RotationFailedError,
  SpaceMissingError,
} from './maintenance/errors.ts';
export { HeadWitness } from './maintenance/head-witness.ts';
export type { HomeFilePlaces } from './maintenance/home-files.ts';
export { finishRestore, type RestoreOptions, restoreBackup } from './maintenance/restore.ts';
export {
  type RotateKeyOptions,
  type RotationStep,
  recoverRotation,
  rotateKey,
} from './maintenance/rotate-key.ts';
export { MigrationChangedError, MigrationFailedError } from './migrations/errors.ts';
export { migrationText } from './migrations/migrations.ts';
export { OwnerReservedError, TableNotOwnedError } from './ownership/errors.ts';
export type { ReservedNames } from './ownership/principal.ts';
export { ReadersTakenError, StatementOverdueError, StreamIdleError } from './reads/errors.ts';
export { RetentionClock, type RetentionClockOptions } from './retention-clock.ts';
export { ColumnSeal, type SealedPlace, sealFor } from './sealed/column-seal.ts';
export { SealedValueError } from './sealed/errors.ts';
export { jsonList } from './sql/json-list.ts';
export {
  ConstraintError,
  ParametersInvalidError,
  ResultTooLargeError,
  StatementFailedError,
  StatementRefusedError,
} from './statements/errors.ts';
export {
  DatabaseBusyError,
  DatabaseClosedError,
  EngineCrashedError,
  EngineSetupError,
} from './threads/errors.ts';
export { randomConflicts, type SimulatedConflicts } from './transactions/conflicts.ts';
export {
  NestedTransactionOpenError,
  ReadOnlyTransactionError,
  TransactionConflictError,
  TransactionEndedError,
  TransactionTimeoutError,
} from './transactions/errors.ts';
export type {
  ClearColumns,
  Database,
  DatabaseCapability,
  DatabaseState,
  DatabaseStatus,
  DatabaseView,
  Migration,
  MigrationReport,
  OpenTransaction,
  OverdueStatement,
  OwnableDatabase,
  Queryable,
  QueryResult,
  Row,
  SqlDialect,
  SqlParameter,
  SqlParameters,
  SqlValue,
  StreamOptions,
  TableGrants,
  Transaction,
  TransactionOptions,
} from './types.ts';
export { isOwnable } from './views/owned-database.ts';
export {
  DatabaseLostError,
  DiskFullError,
  StorageFailedError,
  WriteQueueFullError,
  WriteRefusedError,
  WriterOverdueError,
} from './writes/errors.ts';
