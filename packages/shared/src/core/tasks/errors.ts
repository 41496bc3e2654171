import { defineError } from '@aico/protocol';

/** A pool was used after it was disposed of. */
export class PoolClosedError extends defineError({
  code: 'AICO_TASKS_POOL_CLOSED',
  hint: 'Stop the users of the pool before the pool itself.',
  make: () => ({ message: 'The pool has been closed' }),
}) {}

/** An option is out of range. */
export class TaskOptionError extends defineError({
  code: 'AICO_TASKS_OPTION',
  hint: 'Correct the option where it is set.',
  make: (option: string, reason: string) => ({ message: `The option "${option}" ${reason}`, option }),
}) {}
