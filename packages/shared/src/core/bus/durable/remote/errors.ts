import { defineError } from '@aico/protocol';

/** The backend did not store a message, or did not deliver the messages of a consumer. */
export class DurableRefusedError extends defineError({
  code: 'AICO_BUS_DURABLE_REFUSED',
  hint: "Nothing was acknowledged: try again. docs/errors.md explains the code; the backend's log has the cause.",
  make: (topic: string, remoteCode: string | undefined, cause: unknown) => ({
    message: `The backend did not store or deliver messages of "${topic}"${remoteCode === undefined ? '' : `: ${remoteCode}`}`,
    cause,
    topic,
    /** The code of the backend's error, if it sent one. */
    remoteCode,
  }),
}) {}

/** A transaction was passed to a bus whose messages are stored by another process. */
export class RemoteTransactionError extends defineError({
  code: 'AICO_BUS_REMOTE_TRANSACTION',
  hint: 'Publish with { durable: true, id }: a second message with the same id is not stored. As a consumer, store the ids of handled messages in your own transaction.',
  make: () => ({
    message: 'another process stores the messages, so a transaction of this process cannot include them',
  }),
}) {}
