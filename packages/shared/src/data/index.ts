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
export { EncryptedDatabase } from './encrypted-database.ts';
export type { DatabaseFaults, EncryptedDatabaseOptions } from './encrypted-database-options.ts';
export { type DiskFault, DiskFaults } from './engine/disk-faults.ts';
export type { CipherName } from './engine/wire.ts';
export {
  ConstraintError,
  DatabaseBusyError,
  DatabaseCipherError,
  DatabaseClosedError,
  DatabaseCorruptError,
  DatabaseGoneError,
  DatabaseHeadError,
  DatabaseKeyWrongError,
  DatabaseLostError,
  DatabaseOpenError,
  DatabaseOpenTwiceError,
  DatabaseReplacedError,
  DiskFullError,
  EngineCrashedError,
  EngineSetupError,
  MigrationChangedError,
  MigrationFailedError,
  NestedTransactionOpenError,
  NotADatabaseError,
  OwnerReservedError,
  ParametersInvalidError,
  PlaintextDatabaseError,
  ReadOnlyTransactionError,
  StatementFailedError,
  StatementRefusedError,
  StorageFailedError,
  TableNotOwnedError,
  TransactionConflictError,
  TransactionEndedError,
  TransactionTimeoutError,
  WriteQueueFullError,
  WriteRefusedError,
} from './errors.ts';
export { DatabaseHeadMissingError, DatabaseRolledBackError } from './file/errors.ts';
export type { DatabaseWitness } from './file/rollback-guard.ts';
export {
  ReadersTakenError,
  ResultTooLargeError,
  StatementOverdueError,
  StreamIdleError,
  WriterOverdueError,
} from './limit-errors.ts';
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
export type { ReservedNames } from './ownership/principal.ts';
export { RetentionClock, type RetentionClockOptions } from './retention-clock.ts';
export { randomConflicts, type SimulatedConflicts } from './transactions/conflicts.ts';
export type {
  Database,
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
  SqlParameter,
  SqlParameters,
  SqlValue,
  StreamOptions,
  TableGrants,
  Transaction,
  TransactionOptions,
} from './types.ts';
