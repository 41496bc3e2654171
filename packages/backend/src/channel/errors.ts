import { AicoError } from '@aico/protocol';

/** Why a channel was not opened. For the log: the peer learns one and the same refusal. */
export type RefusalReason =
  | 'not a handshake'
  | 'no such device'
  | 'no such pairing code'
  | 'the pairing code is tried out'
  | 'too late'
  | 'too many channels'
  | 'already paired'
  | 'the grant was not acknowledged';

/** A channel that was not opened. */
export class ChannelNotOpenedError extends AicoError {
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason, cause?: unknown) {
    super('AICO_CHANNEL_NOT_OPENED', `a channel was not opened: ${reason}`, {
      hint: 'A device that is not known has to pair: aico device pair',
      cause,
    });
    this.reason = reason;
  }
}
