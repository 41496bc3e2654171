import { AicoError } from '@aico/protocol';

/** A pool was asked for something after it had been disposed of. */
export class PoolClosedError extends AicoError {
  constructor() {
    super('AICO_TASKS_POOL_CLOSED', 'The pool has been closed', {
      hint: 'Stop what uses the pool before the pool itself.',
    });
  }
}

/** An option that is out of range. */
export class TaskOptionError extends AicoError {
  readonly option: string;

  constructor(option: string, reason: string) {
    super('AICO_TASKS_OPTION', `The option "${option}" ${reason}`, { hint: 'Correct it where it is set.' });
    this.option = option;
  }
}
