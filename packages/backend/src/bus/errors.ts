import { defineError } from '@aico/protocol';

/** The file of bus grants is damaged, or was changed without the keys of this home. */
export class BusGrantsDamagedError extends defineError({
  code: 'AICO_BUS_GRANTS_DAMAGED',
  hint: 'Restore it from a backup, or remove it and grant access again: until then no other process has access.',
  make: (file: string, reason: string, cause?: unknown) => ({
    message: `${file} is not as it was written: ${reason}`,
    cause,
    file,
  }),
}) {}

/** The component has been granted access already. */
export class BusGrantExistsError extends defineError({
  code: 'AICO_BUS_GRANT_EXISTS',
  status: 409,
  hint: 'Replace its key, and its rights if you name some, with `aico bus grant --renew`; or revoke it first.',
  make: (component: string) => ({ message: `"${component}" has access to the bus already`, component }),
}) {}

/** No component of this name has been granted access. */
export class BusGrantUnknownError extends defineError({
  code: 'AICO_BUS_GRANT_UNKNOWN',
  status: 404,
  hint: '`aico bus list` lists the components with access.',
  make: (component: string) => ({ message: `"${component}" has no access to the bus`, component }),
}) {}

/** The grant is not valid. */
export class BusGrantInvalidError extends defineError({
  code: 'AICO_BUS_GRANT_INVALID',
  status: 400,
  hint: 'Name the component with letters, digits, - and _, and give it patterns such as notes.> that do not begin with _.',
  make: (component: string, reason: string) => ({
    message: `Access for "${component}" cannot be granted: ${reason}`,
    component,
  }),
}) {}

/** The broker does not listen, so other processes cannot connect. */
export class BusBrokerClosedError extends defineError({
  code: 'AICO_BUS_BROKER_CLOSED',
  status: 503,
  hint: 'See core.message_bus.broker in the configuration: enabled, host, port.',
  make: (reason: string, cause?: unknown) => ({
    message: `The bus is closed to other processes: ${reason}`,
    cause,
  }),
}) {}

/** A client sent a request about durable messages that is malformed or exceeds a limit. */
export class DurableRequestError extends defineError({
  code: 'AICO_BUS_DURABLE_REQUEST',
  hint: 'Compare what the client sends with docs/bus-protocol.md, "Durable messages".',
  make: (reason: string, cause?: unknown) => ({
    message: `A request on "_durable" was refused: ${reason}`,
    cause,
  }),
}) {}

/** A message could not be delivered to a consumer in another process, or its handler failed there. */
export class DurableDeliveryError extends defineError({
  code: 'AICO_BUS_DURABLE_DELIVERY',
  hint: 'It is delivered again, and becomes a dead letter when that fails too often: aico bus dead-letters.',
  make: (reason: string) => ({ message: reason }),
}) {}

/** A consumption has ended, because its client left or closed it. */
export class ConsumptionEndedError extends defineError({
  code: 'AICO_BUS_CONSUMPTION_ENDED',
  hint: 'Open another consumption: messages that were not settled are delivered there again.',
  make: () => ({ message: 'This consumption has ended' }),
}) {}

/** The settings of the live bus between nodes are not usable. */
export class NatsSettingsError extends defineError({
  code: 'AICO_BUS_NATS_SETTINGS',
  exit: 'config',
  hint: 'See docs/many-machines.md: tls:// and an nkey or a client certificate, or nats:// to this machine alone.',
  make: (setting: string, reason: string) => ({
    message: `core.message_bus.nats.${setting} ${reason}`,
    setting,
  }),
}) {}
