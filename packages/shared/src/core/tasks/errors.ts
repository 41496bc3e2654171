import { defineError } from '@aico/protocol';

/** A pool was asked for something after it had been disposed of. */
export class PoolClosedError extends defineError({
  code: 'AICO_TASKS_POOL_CLOSED',
  hint: 'Stop what uses the pool before the pool itself.',
  make: () => ({ message: 'The pool has been closed' }),
}) {}

/** An option that is out of range. */
export class TaskOptionError extends defineError({
  code: 'AICO_TASKS_OPTION',
  hint: 'Correct it where it is set.',
  make: (option: string, reason: string) => ({ message: `The option "${option}" ${reason}`, option }),
}) {}
