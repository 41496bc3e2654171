import { defineError } from '@aico/protocol';

/** There are as many rules for log levels as may be. */
export class LogLevelRulesError extends defineError({
  code: 'AICO_LOGGING_RULES',
  status: 409,
  hint: 'Take rules away that are not needed: aico logs level SERVICE default',
  make: (most: number) => ({ message: `at most ${most} services and components have a level of their own` }),
}) {}
