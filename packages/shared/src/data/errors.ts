import { defineError } from '@aico/protocol';
import type { DatabaseCapability } from './types.ts';

/** The engine of the database does not offer this operation. */
export class CapabilityMissingError extends defineError({
  code: 'AICO_DATA_CAPABILITY_MISSING',
  exit: 'database',
  status: 409,
  make: (engine: string, capability: DatabaseCapability, hint: string) => ({
    message: `${engine} has no ${capability} of its own here`,
    hint,
    capability,
  }),
}) {}
