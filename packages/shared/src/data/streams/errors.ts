import { defineError } from '@aico/protocol';

/** A consumer of this name runs already. */
export class ConsumerTakenError extends defineError({
  code: 'AICO_STREAM_CONSUMER_TAKEN',
  hint: 'Raise its maxInFlight to handle more at once, or give the other another name.',
  make: (consumer: string) => ({ message: `a consumer "${consumer}" runs already` }),
}) {}

/** Nothing is handed out any more, because the backend stops. */
export class StreamsStoppedError extends defineError({
  code: 'AICO_STREAM_STOPPED',
  hint: 'Begin it again once the backend runs: what it has not settled is kept for it.',
  make: (consumer: string) => ({
    message: `consumer "${consumer}" does not begin: the message store has stopped`,
  }),
}) {}

/** There is no consumer of this name, or it runs, where it may not. */
export class ConsumerStateError extends defineError({
  code: 'AICO_STREAM_CONSUMER_STATE',
  hint: '`aico bus consumers` shows the consumers there are, and which of them run.',
  make: (consumer: string, state: 'running' | 'unknown') => {
    const problem = state === 'running' ? 'runs: stop it first' : 'is not known';
    return { message: `consumer "${consumer}" ${problem}`, statusCode: state === 'running' ? 409 : 404 };
  },
}) {}

/** A consumer has no dead letter of this number. */
export class DeadLetterUnknownError extends defineError({
  code: 'AICO_STREAM_DEAD_LETTER_UNKNOWN',
  status: 404,
  hint: '`aico bus dead-letters` shows the dead letters there are, with their numbers.',
  make: (consumer: string, number: number) => ({
    message: `consumer "${consumer}" has no dead letter ${number}`,
  }),
}) {}

/** A delivery that is over: acknowledged before, or handed out again. */
export class DeliveryEndedError extends defineError({
  code: 'AICO_STREAM_DELIVERY_ENDED',
  hint: 'Let the transaction roll back: the effect has happened, or will with the delivery that counts.',
  make: (consumer: string, number: number) => ({
    message: `message ${number} is not in the hands of "${consumer}" any more`,
  }),
}) {}

/** Something that is not a transaction of this database. */
export class StreamTransactionError extends defineError({
  code: 'AICO_STREAM_TRANSACTION',
  hint: "Pass the tx of the service 'database': database.transaction((tx) => bus.publish(topic, message, { tx })).",
  make: () => ({ message: 'this is not an open transaction of the database that keeps the messages' }),
}) {}

/** A handler resolved although the transaction of its acknowledgement was rolled back, so the message is delivered again. */
export class AcknowledgementRolledBackError extends defineError({
  code: 'AICO_STREAM_ACK_ROLLED_BACK',
  hint: 'Let the handler reject when its transaction is rolled back, or acknowledge in the one that commits.',
  make: (consumer: string, number: number) => ({
    message: `the transaction in which "${consumer}" acknowledged message ${number} did not commit`,
  }),
}) {}
