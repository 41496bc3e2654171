import { AicoError } from '@aico/protocol';

/** A consumer of this name runs already. */
export class ConsumerTakenError extends AicoError {
  constructor(consumer: string) {
    super('AICO_STREAM_CONSUMER_TAKEN', `a consumer "${consumer}" runs already`, {
      hint: 'Raise its maxInFlight to handle more at once, or give the other another name.',
    });
  }
}

/** Nothing is handed out any more, because the backend stops. */
export class StreamsStoppedError extends AicoError {
  constructor(consumer: string) {
    super('AICO_STREAM_STOPPED', `consumer "${consumer}" does not begin: the message store has stopped`, {
      hint: 'Begin it again once the backend runs: what it has not settled is kept for it.',
    });
  }
}

/** There is no consumer of this name, or it runs, where it may not. */
export class ConsumerStateError extends AicoError {
  readonly statusCode: 404 | 409;

  constructor(consumer: string, state: 'running' | 'unknown') {
    const problem = state === 'running' ? 'runs: stop it first' : 'is not known';
    super('AICO_STREAM_CONSUMER_STATE', `consumer "${consumer}" ${problem}`, {
      hint: '`aico bus consumers` shows the consumers there are, and which of them run.',
    });
    this.statusCode = state === 'running' ? 409 : 404;
  }
}

/** A consumer has no dead letter of this number. */
export class DeadLetterUnknownError extends AicoError {
  readonly statusCode = 404;

  constructor(consumer: string, number: number) {
    super('AICO_STREAM_DEAD_LETTER_UNKNOWN', `consumer "${consumer}" has no dead letter ${number}`, {
      hint: '`aico bus dead-letters` shows the dead letters there are, with their numbers.',
    });
  }
}

/** A delivery that is over: acknowledged before, or handed out again. */
export class DeliveryEndedError extends AicoError {
  constructor(consumer: string, number: number) {
    super('AICO_STREAM_DELIVERY_ENDED', `message ${number} is not in the hands of "${consumer}" any more`, {
      hint: 'Let the transaction roll back: the effect has happened, or will with the delivery that counts.',
    });
  }
}

/** Something that is not a transaction of this database. */
export class StreamTransactionError extends AicoError {
  constructor() {
    super(
      'AICO_STREAM_TRANSACTION',
      'this is not an open transaction of the database that keeps the messages',
      {
        hint: "Pass the tx of the service 'database': database.transaction((tx) => bus.publish(topic, message, { tx })).",
      },
    );
  }
}

/** A handler resolved although the transaction of its acknowledgement was rolled back, so the message is delivered again. */
export class AcknowledgementRolledBackError extends AicoError {
  constructor(consumer: string, number: number) {
    super(
      'AICO_STREAM_ACK_ROLLED_BACK',
      `the transaction in which "${consumer}" acknowledged message ${number} did not commit`,
      {
        hint: 'Let the handler reject when its transaction is rolled back, or acknowledge in the one that commits.',
      },
    );
  }
}
