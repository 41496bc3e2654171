import { type AicoError, defineError } from '@aico/protocol';

/** A time in a filter of lines was not understood. */
export class LogTimeError extends defineError({
  code: 'AICO_LOGS_TIME',
  status: 400,
  hint: 'Use 10m, 1h30m, 3d, today, yesterday, 14:30, 2026-11-27 or 2026-11-27T14:30:00Z.',
  make: (name: string) => ({ message: `the value of ${name} is not a time` }),
}) {}

/** No stored line has this id. */
export class LogLineUnknownError extends defineError({
  code: 'AICO_LOGS_UNKNOWN',
  status: 404,
  hint: 'Old lines are deleted: see core.logging.retention.',
  make: (id: number) => ({ message: `no stored line has the id ${id}` }),
}) {}

/** An archive of log lines was written by a newer version. */
export class LogArchiveVersionError extends defineError({
  code: 'AICO_LOGS_ARCHIVE_VERSION',
  hint: 'Read it with the version of AICO that wrote it, or a newer one.',
  make: (file: string) => ({ message: `the archive ${file} has a form that this version does not know` }),
}) {}

/** An archive could not be written; only the owner of the home gets the reason. */
export class LogArchiveFailedError extends defineError({
  code: 'AICO_LOGS_ARCHIVE_FAILED',
  status: 422,
  make: (cause: AicoError) => ({
    message: `the archive was not written: ${cause.message}`,
    hint: cause.hint ?? 'Read the log of the backend.',
    cause,
  }),
}) {}

/** Lines were to be deleted, and the request says nothing about which. */
export class LogSelectionMissingError extends defineError({
  code: 'AICO_LOGS_SELECTION',
  status: 400,
  hint: 'Name the lines by a filter, such as until=30d. until=0m means all.',
  make: () => ({ message: 'no filter says which lines are to be deleted' }),
}) {}
