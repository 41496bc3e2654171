import { BusOptionError } from '../errors.ts';
import type { SubscribeOptions } from '../types.ts';

const DEFAULT_QUEUE_LIMIT = 1_024;
const MAX_QUEUE_LIMIT = 1_048_576;
const DEFAULT_WAIT_MS = 5_000;
const OVERFLOWS = ['drop-newest', 'drop-oldest', 'wait'] as const;

export interface QueuePolicy {
  readonly overflow: (typeof OVERFLOWS)[number];
  readonly queueLimit: number;
  /** The maximum number of queued messages. With `'wait'` it includes `queueLimit` messages whose publishers wait. */
  readonly capacity: number;
  /** Milliseconds that a publisher waits for room. */
  readonly waitMs: number;
}

/** @throws {BusOptionError} when an option is out of range */
export function readQueuePolicy(options: SubscribeOptions): QueuePolicy {
  const { queueLimit = DEFAULT_QUEUE_LIMIT, overflow = 'drop-oldest', waitMs = DEFAULT_WAIT_MS } = options;
  if (!Number.isInteger(queueLimit) || queueLimit < 1 || queueLimit > MAX_QUEUE_LIMIT)
    throw new BusOptionError('queueLimit', `must be a whole number from 1 to ${MAX_QUEUE_LIMIT}`);
  if (!OVERFLOWS.includes(overflow))
    throw new BusOptionError('overflow', `must be one of ${OVERFLOWS.map((name) => `'${name}'`).join(', ')}`);
  if (!Number.isFinite(waitMs) || waitMs < 0 || waitMs > 2 ** 31 - 1)
    throw new BusOptionError('waitMs', 'must be a number of milliseconds of at most 24 days');
  return { overflow, queueLimit, waitMs, capacity: overflow === 'wait' ? queueLimit * 2 : queueLimit };
}
