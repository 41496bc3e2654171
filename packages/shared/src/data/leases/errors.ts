import { defineError } from '@aico/protocol';

/** This node no longer holds the lease, so another node may do the work by now. */
export class LeaseLostError extends defineError({
  code: 'AICO_LEASE_LOST',
  exit: 'database',
  status: 503,
  hint: 'Stop the work: the node that holds the lease goes on with it. This node takes it up again once it holds the lease.',
  make: (lease: string, node: string, reason: string, cause?: unknown) => ({
    message: `node ${node} does not hold the lease "${lease}": ${reason}`,
    lease,
    cause,
  }),
}) {}
