import { AicoError } from '@aico/protocol';

/** The file of the bus's grants is damaged, or was changed by somebody who does not hold this home's keys. */
export class BusGrantsDamagedError extends AicoError {
  readonly file: string;

  constructor(file: string, reason: string, cause?: unknown) {
    super('AICO_BUS_GRANTS_DAMAGED', `${file} is not as it was written: ${reason}`, {
      hint: 'Restore it from a backup, or remove it and grant anew: every other process has no access until then.',
      cause,
    });
    this.file = file;
  }
}

/** A component was granted access that has it already. */
export class BusGrantExistsError extends AicoError {
  readonly statusCode = 409;
  readonly component: string;

  constructor(component: string) {
    super('AICO_BUS_GRANT_EXISTS', `"${component}" has access to the bus already`, {
      hint: 'Replace its key, and its rights if you name some, with `aico bus grant --renew`; or revoke it first.',
    });
    this.component = component;
  }
}

/** There is no component of that name. */
export class BusGrantUnknownError extends AicoError {
  readonly statusCode = 404;
  readonly component: string;

  constructor(component: string) {
    super('AICO_BUS_GRANT_UNKNOWN', `"${component}" has no access to the bus`, {
      hint: 'List those that have with `aico bus list`.',
    });
    this.component = component;
  }
}

/** A grant that cannot be made. */
export class BusGrantInvalidError extends AicoError {
  readonly statusCode = 400;
  readonly component: string;

  constructor(component: string, reason: string) {
    super('AICO_BUS_GRANT_INVALID', `Access for "${component}" cannot be granted: ${reason}`, {
      hint: 'Name it with letters, digits, - and _, and give it patterns such as notes.> that do not begin with _.',
    });
    this.component = component;
  }
}

/** Other processes cannot be let in: the broker does not listen. */
export class BusBrokerClosedError extends AicoError {
  readonly statusCode = 503;
  constructor(reason: string, cause?: unknown) {
    super('AICO_BUS_BROKER_CLOSED', `The bus takes no other processes in: ${reason}`, {
      hint: 'See core.message_bus.broker in the configuration: enabled, host, port.',
      cause,
    });
  }
}

/** A client's request to the store of durable messages that cannot be understood, or asks for too much. */
export class DurableRequestError extends AicoError {
  constructor(reason: string, cause?: unknown) {
    super('AICO_BUS_DURABLE_REQUEST', `A request on "_durable" was refused: ${reason}`, {
      hint: 'Compare what the client sends with docs/bus-protocol.md, "Durable messages".',
      cause,
    });
  }
}

/** A message could not be handed to a consumer in another process, or was not handled there. */
export class DurableDeliveryError extends AicoError {
  constructor(reason: string) {
    super('AICO_BUS_DURABLE_DELIVERY', reason, {
      hint: 'It is delivered again, and becomes a dead letter when that fails too often: aico bus dead-letters.',
    });
  }
}

/** A consumption that is over, for its client was gone or closed it. */
export class ConsumptionEndedError extends AicoError {
  constructor() {
    super('AICO_BUS_CONSUMPTION_ENDED', 'This consumption has ended', {
      hint: 'Open another: what was not settled comes again there.',
    });
  }
}
