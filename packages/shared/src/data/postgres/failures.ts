import { reasonOf } from '@aico/protocol';
import { DatabaseError } from 'pg-protocol';
import { EngineFailure } from '../engine/engine-failure.ts';
import { DatabaseCorruptError } from '../file/errors.ts';
import { StatementOverdueError } from '../reads/errors.ts';
import type { Vocabulary } from '../sql/vocabulary.ts';
import {
  ConstraintError,
  ResultTooLargeError,
  StatementFailedError,
  StatementRefusedError,
} from '../statements/errors.ts';
import { TransactionConflictError } from '../transactions/errors.ts';
import { DiskFullError, StorageFailedError } from '../writes/errors.ts';
import { DatabaseLoginError, DatabaseTlsError, DatabaseUnreachableError } from './errors.ts';

/** Words of the server's messages. Others may come from a statement or from rows. */
const MESSAGE_WORDS = new Set(
  (
    'a access aggregate already ambiguous an and any argument arguments at be by can cannot cast character characters check ' +
    'column columns command constraint contains could create current database default denied depend depends determine does ' +
    'duplicate element end error exist exists expected expression expressions for foreign form found from function functions ' +
    'group has have identifier in index input insert insufficient integer invalid into is it key large level long many match ' +
    'member missing more must name near no not null number object objects of on only operator or order out overflow owner ' +
    'parameter permission precision privilege query range read recursive reference referenced references relation requested ' +
    'row rows schema select sequence specified statement string syntax system table target term text that the there time to ' +
    'too transaction type types unique unterminated update used value values variable varying view violates which with within ' +
    'bigint bytea double numeric boolean timestamp date json jsonb record unknown entry clause by because other'
  ).split(' '),
);
const WORD = /[\p{L}\p{M}\p{N}_$]+/gu;

/** The server's message, with `…` in place of words that may be private. */
export function publicMessage(message: string, knows: (word: string) => boolean): string {
  return message
    .replace(WORD, (word) => (MESSAGE_WORDS.has(word.toLowerCase()) || knows(word) ? word : '…'))
    .replace(/…(?:[ .,:]*…)+/g, '…');
}

/** Whether the error is one that the server sent. */
export function isServerError(error: unknown): error is DatabaseError {
  return error instanceof DatabaseError;
}

/** Another transaction changed data that this one used, or both waited for each other. */
export function isConflict(error: unknown): boolean {
  return isServerError(error) && (error.code === '40001' || error.code === '40P01');
}

/** The schema has changed since the statement was prepared. */
export function isStalePlan(error: unknown): boolean {
  return (
    isServerError(error) &&
    (error.code === '26000' || (error.code === '0A000' && error.routine === 'RevalidateCachedQuery'))
  );
}

/** Whether the connection or the server ended: the statement has not been answered. */
export function isLoss(error: unknown): boolean {
  return !isServerError(error) || /^(?:08|57P0[1235]|25P03)/.test(error.code ?? '');
}

/** The error of a connection that could not be opened. */
export function connectFailure(error: unknown, location: string): Error {
  if (error instanceof DatabaseLoginError) return error;
  if (isServerError(error)) {
    const { code = '' } = error;
    const cause = failureOf(error);
    if (code === '28P01')
      return new DatabaseLoginError(
        location,
        'the password is wrong',
        'Correct the password in core.database.url.',
        cause,
      );
    if (code.startsWith('28'))
      return new DatabaseLoginError(
        location,
        'the server does not admit this user from here',
        'Create the role with CREATE ROLE … LOGIN, and allow it in pg_hba.conf.',
        cause,
      );
    if (code === '3D000')
      return new DatabaseLoginError(
        location,
        'there is no such database',
        'Create it with CREATE DATABASE.',
        cause,
      );
    return new DatabaseUnreachableError(location, conditionOf(code), cause);
  }
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (/CERT|TLS|SSL|SELF_SIGNED|ISSUER/.test(code) || /SSL|certificate/i.test(reasonOf(error)))
    return new DatabaseTlsError(location, error);
  return new DatabaseUnreachableError(location, reasonOf(error), error);
}

function conditionOf(code: string): string {
  if (code === '53300') return 'it has no connection free';
  if (code.startsWith('57P03')) return 'it is starting or stopping';
  return `it answers with ${code}`;
}

interface FailedStatement {
  readonly location: string;
  readonly shape: string;
  readonly owner: string | undefined;
  readonly vocabulary: Vocabulary;
  readonly limitMs: number;
}

const CONSTRAINTS: Readonly<Record<string, string>> = {
  '23502': 'notnull',
  '23503': 'foreignkey',
  '23505': 'unique',
  '23514': 'check',
  '23P01': 'exclusion',
};

/** Converts an error of the server or the connection to an error of the database. */
export function statementFailure(
  error: unknown,
  { location, shape, owner, vocabulary, limitMs }: FailedStatement,
): Error {
  if (!isServerError(error)) return new DatabaseUnreachableError(location, reasonOf(error), error);
  const { code = '' } = error;
  const message = publicMessage(error.message, (word) => vocabulary.knows(word));
  const cause = failureOf(error);
  if (isConflict(error)) return new TransactionConflictError();
  const constraint = CONSTRAINTS[code];
  if (constraint !== undefined) return new ConstraintError(constraint, message, cause);
  switch (code) {
    case '57014':
      return new StatementOverdueError(owner, shape, `ran longer than ${limitMs} ms and was cancelled`);
    case '25006':
      return new StatementRefusedError(shape, 'it does not only read');
    case '53100':
      return new DiskFullError(cause);
    case 'XX001':
    case 'XX002':
      return new DatabaseCorruptError(location, message, cause);
    case '58030':
      return new StorageFailedError(message, cause);
  }
  if (isLoss(error))
    return new DatabaseUnreachableError(location, 'the connection was ended by the server', cause);
  return new StatementFailedError(shape, message, cause);
}

/** The error of rows that exceed the limit of memory. */
export function tooLarge(shape: string, maxBytes: number): ResultTooLargeError {
  return new ResultTooLargeError(shape, String(maxBytes), undefined);
}

function failureOf({ code = 'XX000', message }: DatabaseError): EngineFailure {
  return new EngineFailure(
    { code, message },
    publicMessage(message, () => false),
  );
}
