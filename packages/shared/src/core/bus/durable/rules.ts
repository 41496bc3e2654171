import { BusOptionError } from '../errors.ts';
import { attributeFault } from '../messages/message.ts';
import type { ConsumeOptions } from './types.ts';

/** The limits of durable messages and consumers, in this process and through the broker. */
export const DURABLE_LIMITS = {
  /** Characters of a consumer's name. */
  name: 128,
  /** Characters of a message's id. */
  id: 255,
  inFlight: 1_024,
  attempts: 1_000_000,
  retryDelayMs: 300_000,
  /** Milliseconds that a pull may wait for messages. */
  waitMs: 30_000,
} as const;

/**
 * The reason why `name` may not be the name of a consumer; `undefined` when it may. A slash is refused because the broker names
 * the consumer `mailer` of the component `shop` `shop/mailer`.
 */
export function consumerNameFault(name: string): string | undefined {
  if (typeof name !== 'string' || name === '' || name.length > DURABLE_LIMITS.name)
    return `must be a name of 1 to ${DURABLE_LIMITS.name} characters`;
  return name.includes('/') ? 'must not contain "/"' : attributeFault(name);
}

/** @throws {BusOptionError} when the name is invalid, or an option is out of range */
export function checkConsumer(consumer: string, options: ConsumeOptions): void {
  const { maxInFlight = 1, maxAttempts = 1, retryDelayMs = 0, from = 0 } = options;
  const fault = consumerNameFault(consumer);
  if (fault !== undefined) throw new BusOptionError('consumer', fault);
  checkWhole('maxInFlight', maxInFlight, 1, DURABLE_LIMITS.inFlight);
  checkWhole('maxAttempts', maxAttempts, 1, DURABLE_LIMITS.attempts);
  checkWhole('retryDelayMs', retryDelayMs, 0, DURABLE_LIMITS.retryDelayMs);
  if (from !== 'now' && from !== 'start' && !(Number.isSafeInteger(from) && from >= 0))
    throw new BusOptionError('from', "must be 'now', 'start' or the number of a message");
}

function checkWhole(option: string, value: number, least: number, most: number): void {
  if (!Number.isSafeInteger(value) || value < least || value > most)
    throw new BusOptionError(option, `must be a whole number from ${least} to ${most}`);
}
