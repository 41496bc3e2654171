import { defineError } from '@aico/protocol';

/** A consumer of this name is running already. */
export class ConsumerTakenError extends defineError({
  code: 'AICO_STREAM_CONSUMER_TAKEN',
  hint: 'Raise its maxInFlight to handle more messages at once, or give the other consumer another name.',
  make: (consumer: string) => ({ message: `consumer "${consumer}" is running already` }),
}) {}

/** No messages are delivered because the backend stops. */
export class StreamsStoppedError extends defineError({
  code: 'AICO_STREAM_STOPPED',
  hint: 'Start the consumer again once the backend runs: its unsettled messages are kept.',
  make: (consumer: string) => ({
    message: `consumer "${consumer}" does not start: the message store has stopped`,
  }),
}) {}

/** There is no consumer of this name, or it is running. */
export class ConsumerStateError extends defineError({
  code: 'AICO_STREAM_CONSUMER_STATE',
  hint: '`aico bus consumers` lists the consumers and shows which are running.',
  make: (consumer: string, state: 'running' | 'unknown') => {
    const problem = state === 'running' ? 'runs: stop it first' : 'is not known';
    return { message: `consumer "${consumer}" ${problem}`, statusCode: state === 'running' ? 409 : 404 };
  },
}) {}

/** A consumer has no dead letter with this number. */
export class DeadLetterUnknownError extends defineError({
  code: 'AICO_STREAM_DEAD_LETTER_UNKNOWN',
  status: 404,
  hint: '`aico bus dead-letters` lists the dead letters with their numbers.',
  make: (consumer: string, number: number) => ({
    message: `consumer "${consumer}" has no dead letter ${number}`,
  }),
}) {}

/** The delivery was acknowledged already, or the message was delivered again. */
export class DeliveryEndedError extends defineError({
  code: 'AICO_STREAM_DELIVERY_ENDED',
  hint: 'Let the transaction roll back: the effect has happened, or happens with the delivery that is in force.',
  make: (consumer: string, number: number) => ({
    message: `message ${number} is no longer delivered to "${consumer}"`,
  }),
}) {}

/** The given transaction is not an open transaction of this database. */
export class StreamTransactionError extends defineError({
  code: 'AICO_STREAM_TRANSACTION',
  hint: "Pass the tx of the service 'database': database.transaction((tx) => bus.publish(topic, message, { tx })).",
  make: () => ({ message: 'this is not an open transaction of the database that stores the messages' }),
}) {}

/**
 * A handler resolved although the transaction of its acknowledgement was rolled back, so the message is delivered
 * again.
 */
export class AcknowledgementRolledBackError extends defineError({
  code: 'AICO_STREAM_ACK_ROLLED_BACK',
  hint: 'Let the handler reject when its transaction is rolled back, or acknowledge in the transaction that commits.',
  make: (consumer: string, number: number) => ({
    message: `the transaction in which "${consumer}" acknowledged message ${number} did not commit`,
  }),
}) {}
