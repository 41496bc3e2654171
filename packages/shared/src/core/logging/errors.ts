import { defineError } from '@aico/protocol';

/** The limit of rules for log levels is reached. */
export class LogLevelRulesError extends defineError({
  code: 'AICO_LOGGING_RULES',
  status: 409,
  hint: 'Take rules away that are not needed: aico logs level SERVICE default',
  make: (most: number) => ({ message: `at most ${most} services and components have a level of their own` }),
}) {}
