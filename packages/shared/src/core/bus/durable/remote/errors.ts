import { defineError } from '@aico/protocol';

/** The backend did not keep a message, or does not hand a consumer its messages. */
export class DurableRefusedError extends defineError({
  code: 'AICO_BUS_DURABLE_REFUSED',
  hint: "Nothing was acknowledged: try again. docs/errors.md explains the code; the backend's log says more.",
  make: (topic: string, remoteCode: string | undefined, cause: unknown) => ({
    message: `The backend does not keep or hand out "${topic}"${remoteCode === undefined ? '' : `: ${remoteCode}`}`,
    cause,
    topic,
    /** The code of the backend's error, when it told one. */
    remoteCode,
  }),
}) {}

/** A transaction was given where the messages are kept by another process. */
export class RemoteTransactionError extends defineError({
  code: 'AICO_BUS_REMOTE_TRANSACTION',
  hint: 'Publish with { durable: true, id }, where a second one of that id is not kept; keep the ids you have handled in your own transaction.',
  make: () => ({ message: 'the messages are kept by another process: no transaction here reaches it' }),
}) {}
