import { defineError } from '@aico/protocol';

/** The file of the bus's grants is damaged, or was changed by somebody who does not hold this home's keys. */
export class BusGrantsDamagedError extends defineError({
  code: 'AICO_BUS_GRANTS_DAMAGED',
  hint: 'Restore it from a backup, or remove it and grant anew: every other process has no access until then.',
  make: (file: string, reason: string, cause?: unknown) => ({
    message: `${file} is not as it was written: ${reason}`,
    cause,
    file,
  }),
}) {}

/** A component was granted access that has it already. */
export class BusGrantExistsError extends defineError({
  code: 'AICO_BUS_GRANT_EXISTS',
  status: 409,
  hint: 'Replace its key, and its rights if you name some, with `aico bus grant --renew`; or revoke it first.',
  make: (component: string) => ({ message: `"${component}" has access to the bus already`, component }),
}) {}

/** There is no component of that name. */
export class BusGrantUnknownError extends defineError({
  code: 'AICO_BUS_GRANT_UNKNOWN',
  status: 404,
  hint: 'List those that have with `aico bus list`.',
  make: (component: string) => ({ message: `"${component}" has no access to the bus`, component }),
}) {}

/** A grant that cannot be made. */
export class BusGrantInvalidError extends defineError({
  code: 'AICO_BUS_GRANT_INVALID',
  status: 400,
  hint: 'Name it with letters, digits, - and _, and give it patterns such as notes.> that do not begin with _.',
  make: (component: string, reason: string) => ({
    message: `Access for "${component}" cannot be granted: ${reason}`,
    component,
  }),
}) {}

/** Other processes cannot be let in: the broker does not listen. */
export class BusBrokerClosedError extends defineError({
  code: 'AICO_BUS_BROKER_CLOSED',
  status: 503,
  hint: 'See core.message_bus.broker in the configuration: enabled, host, port.',
  make: (reason: string, cause?: unknown) => ({
    message: `The bus takes no other processes in: ${reason}`,
    cause,
  }),
}) {}

/** A client's request to the store of durable messages that cannot be understood, or asks for too much. */
export class DurableRequestError extends defineError({
  code: 'AICO_BUS_DURABLE_REQUEST',
  hint: 'Compare what the client sends with docs/bus-protocol.md, "Durable messages".',
  make: (reason: string, cause?: unknown) => ({
    message: `A request on "_durable" was refused: ${reason}`,
    cause,
  }),
}) {}

/** A message could not be handed to a consumer in another process, or was not handled there. */
export class DurableDeliveryError extends defineError({
  code: 'AICO_BUS_DURABLE_DELIVERY',
  hint: 'It is delivered again, and becomes a dead letter when that fails too often: aico bus dead-letters.',
  make: (reason: string) => ({ message: reason }),
}) {}

/** A consumption that is over, for its client was gone or closed it. */
export class ConsumptionEndedError extends defineError({
  code: 'AICO_BUS_CONSUMPTION_ENDED',
  hint: 'Open another: what was not settled comes again there.',
  make: () => ({ message: 'This consumption has ended' }),
}) {}
