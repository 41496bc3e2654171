import { defineError } from '@aico/protocol';

/** Two health checks were registered under one name. */
export class HealthCheckTakenError extends defineError({
  code: 'AICO_HEALTH_CHECK_TAKEN',
  hint: 'Give each health check its own name; a plugin with healthCheck() has one under its own name already.',
  make: (name: string) => ({ message: `a health check "${name}" is registered already` }),
}) {}
