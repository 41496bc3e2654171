import { AicoError } from '@aico/protocol';

/** The backend did not keep a message, or does not hand a consumer its messages. */
export class DurableRefusedError extends AicoError {
  readonly topic: string;
  /** The code of the backend's error, when it told one. */
  readonly remoteCode: string | undefined;

  constructor(topic: string, remoteCode: string | undefined, cause: unknown) {
    super(
      'AICO_BUS_DURABLE_REFUSED',
      `The backend does not keep or hand out "${topic}"${remoteCode === undefined ? '' : `: ${remoteCode}`}`,
      {
        hint: "Nothing was acknowledged: try again. docs/errors.md explains the code; the backend's log says more.",
        cause,
      },
    );
    this.topic = topic;
    this.remoteCode = remoteCode;
  }
}

/** A transaction was given where the messages are kept by another process. */
export class RemoteTransactionError extends AicoError {
  constructor() {
    super(
      'AICO_BUS_REMOTE_TRANSACTION',
      'the messages are kept by another process: no transaction here reaches it',
      {
        hint: 'Publish with { durable: true, id }, where a second one of that id is not kept; keep the ids you have handled in your own transaction.',
      },
    );
  }
}
