import { defineError, reasonOf } from '@aico/protocol';

/** The address of the database server is invalid, or would send the password or the data in the clear. */
export class DatabaseUrlError extends defineError({
  code: 'AICO_DATA_URL_INVALID',
  exit: 'config',
  make: (reason: string, hint: string) => ({ message: `core.database.url ${reason}`, hint }),
}) {}

/** The server of the database cannot be reached. */
export class DatabaseUnreachableError extends defineError({
  code: 'AICO_DATA_UNREACHABLE',
  exit: 'database',
  status: 503,
  hint: 'Check that PostgreSQL runs and that its address in core.database.url is right. Statements are accepted again once it answers.',
  make: (location: string, reason: string, cause?: unknown) => ({
    message: `the database ${location} cannot be reached: ${reason}`,
    cause,
  }),
}) {}

/** The server refused the user or the password, or asked for the password in an unsafe way. */
export class DatabaseLoginError extends defineError({
  code: 'AICO_DATA_LOGIN_REFUSED',
  exit: 'database',
  make: (location: string, reason: string, hint: string, cause?: unknown) => ({
    message: `the login at the database ${location} failed: ${reason}`,
    hint,
    cause,
  }),
}) {}

/** The server offers no TLS, or its certificate is not trusted. */
export class DatabaseTlsError extends defineError({
  code: 'AICO_DATA_TLS_REFUSED',
  exit: 'database',
  hint: 'Name the certificate of its authority with `?sslrootcert=FILE` in core.database.url, and use a host name that the certificate has.',
  make: (location: string, cause: unknown) => ({
    message: `there is no trusted TLS connection to the database ${location}: ${reasonOf(cause)}`,
    cause,
  }),
}) {}

/** The server is older than the backend needs. */
export class DatabaseTooOldError extends defineError({
  code: 'AICO_DATA_SERVER_TOO_OLD',
  exit: 'database',
  hint: 'Upgrade the server with pg_upgrade, or use another.',
  make: (version: string, needed: number) => ({
    message: `the database server is PostgreSQL ${version}, and version ${needed} or later is needed`,
  }),
}) {}

/** The user of the database lacks a right that the backend needs. */
export class DatabaseRightsError extends defineError({
  code: 'AICO_DATA_RIGHTS_MISSING',
  exit: 'database',
  hint: 'As administrator run: ALTER ROLE <user> CREATEROLE; GRANT CREATE ON DATABASE <database> TO <user>;',
  make: (what: string, cause: unknown) => ({
    message: `the user of the database may not ${what}: each owner of tables is a role of the server`,
    cause,
  }),
}) {}

/** The connection was lost during a commit, and whether it happened could not be determined. */
export class CommitUnknownError extends defineError({
  code: 'AICO_DATA_COMMIT_UNKNOWN',
  exit: 'database',
  status: 503,
  hint: 'Read the rows to see whether they were stored, before the work is repeated.',
  make: (reason: string, cause?: unknown) => ({
    message: `the connection was lost during a commit, and its outcome is unknown: ${reason}`,
    cause,
  }),
}) {}

/** All connections to the server are in use by open transactions and streams. */
export class ConnectionsTakenError extends defineError({
  code: 'AICO_DATA_CONNECTIONS_TAKEN',
  exit: 'database',
  status: 503,
  hint: 'End each transaction and stream when it is no longer needed, or raise core.database.connections.',
  make: (count: number, waitedMs: number) => ({
    message: `${count} connections to the database are in use, and none was given back within ${waitedMs} ms`,
  }),
}) {}
