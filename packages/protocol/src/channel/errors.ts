import { defineError } from '../aico-error.ts';

/** The other side refused to open the channel, or ended it. It does not tell the reason. */
export class ChannelRefusedError extends defineError({
  code: 'AICO_CHANNEL_REFUSED',
  hint: "Look in the backend's log for the reason; a device that was revoked must pair again, and a pairing code that was used, has expired or was mistyped must be replaced by a new one.",
  make: () => ({ message: 'the other side refused the channel' }),
}) {}

/** The server has too many channels for this device, for this address or in all. Nothing was executed. */
export class ChannelBusyError extends defineError({
  code: 'AICO_CHANNEL_BUSY',
  make: (retryAfterSeconds: number) => ({
    message: 'the other side has too many channels',
    hint: `Try again in ${retryAfterSeconds} s. If it happens often, close channels that are not used.`,
    retryAfterSeconds,
  }),
}) {}

/**
 * The server at this address has another key than the one pinned at pairing. Nothing was sent to it; a person must decide how
 * to continue.
 */
export class ChannelServerKeyChangedError extends defineError({
  code: 'AICO_CHANNEL_SERVER_KEY_CHANGED',
  hint: 'Another machine may be in between. Compare the fingerprint on the server; if the key was changed on purpose, forget the server and pair again.',
  make: (pinned: string, offered: string) => ({
    message: `the server's key is not the one this device was paired with: pinned ${pinned}, offered ${offered}`,
    /** The fingerprint of the pinned key. */
    pinned,
    /** The fingerprint of the offered key, which is not authenticated. */
    offered,
  }),
}) {}

/** The part of a handshake that is not valid; for the log, never for the peer. */
export type HandshakeFault =
  | 'malformed'
  | 'unsupported version'
  | 'does not authenticate'
  | 'other instance'
  | 'malformed payload'
  | 'out of turn'
  | 'refused here';

/** A handshake message is malformed, was altered, or was made with other keys. */
export class ChannelHandshakeError extends defineError({
  code: 'AICO_CHANNEL_HANDSHAKE',
  hint: 'Check that both sides have the same version and that the code or the credentials belong to this server.',
  make: (fault: HandshakeFault) => ({ message: `the channel could not be opened: ${fault}`, fault }),
}) {}

/** A record was altered, replayed, reordered or malformed. The channel has ended and its keys are wiped. */
export class ChannelRecordError extends defineError({
  code: 'AICO_CHANNEL_RECORD',
  hint: 'Open a new channel. If it happens again, something between the two sides alters the bytes.',
  make: (reason: string) => ({
    message: `the channel ended: ${reason}`,
    /** For the log, never for the peer. */
    reason,
  }),
}) {}

/** The connection ended before the authenticated end of the other side, so the received bytes may be incomplete. */
export class ChannelTruncatedError extends defineError({
  code: 'AICO_CHANNEL_TRUNCATED',
  hint: 'Treat the received bytes as incomplete, and open a new channel.',
  make: (cause?: unknown) => ({ message: 'the channel was cut before its end', cause }),
}) {}

/** The other side sent frames inside a channel that are not valid, or more than it may. */
export class ChannelStreamsError extends defineError({
  code: 'AICO_CHANNEL_STREAMS',
  hint: 'Open a new channel. If it happens again, the other side does not follow docs/sealed-channel.md.',
  make: (reason: string) => ({
    message: `the channel ended: ${reason}`,
    /** For the log, never for the peer. */
    reason,
  }),
}) {}

/** The other side stopped answering. */
export class ChannelSilentError extends defineError({
  code: 'AICO_CHANNEL_SILENT',
  hint: 'The network may have changed, or the other side may sleep. A new channel is opened at the next request.',
  make: (ms: number) => ({ message: `the channel was silent for ${ms / 1_000} s` }),
}) {}

/** The channel was used after it ended or failed. */
export class ChannelClosedError extends defineError({
  code: 'AICO_CHANNEL_CLOSED',
  hint: 'Open a new channel.',
  make: () => ({ message: 'the channel has ended' }),
}) {}

/** The pairing code has a typing mistake: its check character does not match. */
export class PairingCodeInvalidError extends defineError({
  code: 'AICO_CHANNEL_PAIRING_CODE_INVALID',
  hint: 'Type the 24 characters as they are shown; case, spaces and dashes do not matter.',
  make: (reason: string) => ({ message: `this is not a pairing code: ${reason}` }),
}) {}
