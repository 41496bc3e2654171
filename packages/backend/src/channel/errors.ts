import { defineError } from '@aico/protocol';

/** The reason why a channel was not opened. It is logged; the peer gets the constant refusal or a busy frame. */
type RefusalReason =
  | 'not a handshake'
  | 'no such device'
  | 'no such pairing code'
  | 'the pairing code is tried out'
  | 'too late'
  | 'too many channels'
  | 'too many unproven connections'
  | 'the backend stops'
  | 'the first message is a replay'
  | 'no record has opened'
  | 'already paired'
  | 'the grant was not acknowledged';

/** Reasons that reveal nothing about the peer: it gets a busy frame in place of a refusal. */
const RETRY_AFTER_SECONDS: Readonly<Partial<Record<RefusalReason, number>>> = {
  'too many channels': 5,
  'too many unproven connections': 1,
  'the backend stops': 1,
};

/** A channel was not opened. */
export class ChannelNotOpenedError extends defineError({
  code: 'AICO_CHANNEL_NOT_OPENED',
  hint: 'Pair a device that is not known: aico device pair',
  make: (reason: RefusalReason, cause?: unknown) => ({
    message: `a channel was not opened: ${reason}`,
    cause,
    reason,
    /** Seconds after which the same device may try again; undefined for a refusal. */
    retryAfterSeconds: RETRY_AFTER_SECONDS[reason],
  }),
}) {}
