import { defineError } from '@aico/protocol';

/** The transaction has already been committed or rolled back. */
export class TransactionEndedError extends defineError({
  code: 'AICO_DATA_TRANSACTION_ENDED',
  exit: 'database',
  hint: 'Await every statement inside the callback, and do not use the transaction outside it.',
  make: (how: string, cause?: unknown) => ({ message: `the transaction ${how}`, cause }),
}) {}

/** Another transaction changed data that this transaction used, so this one was rolled back. */
export class TransactionConflictError extends defineError({
  code: 'AICO_DATA_TRANSACTION_CONFLICT',
  exit: 'database',
  hint: 'Run it again from the start, or use transaction(work), which does so automatically.',
  make: () => ({ message: 'the transaction conflicted with another one and was rolled back' }),
}) {}

/** The transaction exceeded its deadline and was rolled back. */
export class TransactionTimeoutError extends defineError({
  code: 'AICO_DATA_TRANSACTION_TIMEOUT',
  exit: 'database',
  make: (timeoutMs: number, openedAt: string, waiting: string | undefined) => ({
    message:
      `the transaction opened at ${openedAt} was not ended within ${timeoutMs} ms and was rolled back` +
      (waiting === undefined
        ? ''
        : `; inside it, "${waiting}" was called on the database itself and waits for the transaction`),
    hint:
      waiting === undefined
        ? 'Commit or roll back on every path, and move slow work out of the transaction.'
        : 'Inside the callback call tx.execute(…), not db.execute(…).',
    timeoutMs,
    openedAt,
  }),
}) {}

/** A nested transaction is open. Until it ends, statements must use it. */
export class NestedTransactionOpenError extends defineError({
  code: 'AICO_DATA_TRANSACTION_NESTED',
  exit: 'database',
  hint: 'Use the nested transaction that the callback receives, and await it before continuing.',
  make: () => ({ message: 'a nested transaction is open inside this one' }),
}) {}

/** A statement writes in a read-only transaction. */
export class ReadOnlyTransactionError extends defineError({
  code: 'AICO_DATA_TRANSACTION_READ_ONLY',
  exit: 'database',
  hint: 'Open the transaction without readOnly.',
  make: (statement: string) => ({
    message: `"${statement}" writes, but the transaction is read-only`,
    statement,
  }),
}) {}
