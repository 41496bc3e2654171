import { defineError } from '../aico-error.ts';

/** The other side refused to open the channel, or broke it off. It says no more than that, whatever the reason. */
export class ChannelRefusedError extends defineError({
  code: 'AICO_CHANNEL_REFUSED',
  hint: "Look in the backend's log for the reason; a device that was revoked, or a pairing code that has lapsed, must pair anew.",
  make: () => ({ message: 'the other side refused the channel' }),
}) {}

/** The server has too many channels just now, of this device, of this address or in all. Nothing was executed. */
export class ChannelBusyError extends defineError({
  code: 'AICO_CHANNEL_BUSY',
  make: (retryAfterSeconds: number) => ({
    message: 'the other side has too many channels just now',
    hint: `Try again in ${retryAfterSeconds} s. If it happens often, close channels that are not used.`,
    retryAfterSeconds,
  }),
}) {}

/**
 * The server at this address offers another key than the one pinned when this device was paired. Nothing was sent to
 * it, and nothing may be until a person has decided.
 */
export class ChannelServerKeyChangedError extends defineError({
  code: 'AICO_CHANNEL_SERVER_KEY_CHANGED',
  hint: 'Somebody may be in between. Compare the fingerprint on the server; if the key was changed on purpose, forget the server and pair again.',
  make: (pinned: string, offered: string) => ({
    message: `the server's key is not the one this device was paired with: pinned ${pinned}, offered ${offered}`,
    /** The fingerprint of the key this device trusts. */
    pinned,
    /** The fingerprint of the key that was offered, which nothing vouches for. */
    offered,
  }),
}) {}

/** What of a handshake was not as it must be; for the log, never for the peer. */
export type HandshakeFault =
  | 'malformed'
  | 'unsupported version'
  | 'does not authenticate'
  | 'other instance'
  | 'malformed payload'
  | 'out of turn'
  | 'refused here';

/** A handshake message that is malformed, was altered, or was made with other keys. */
export class ChannelHandshakeError extends defineError({
  code: 'AICO_CHANNEL_HANDSHAKE',
  hint: 'Check that both sides speak the same version and that the code or the credentials are those of this server.',
  make: (fault: HandshakeFault) => ({ message: `the channel could not be opened: ${fault}`, fault }),
}) {}

/** A record that was altered, replayed, reordered or malformed. The channel is dead, its keys are gone. */
export class ChannelRecordError extends defineError({
  code: 'AICO_CHANNEL_RECORD',
  hint: 'Open a new channel. If it happens again, something between the two sides alters the bytes.',
  make: (reason: string) => ({
    message: `the channel was broken off: ${reason}`,
    /** For the log, never for the peer. */
    reason,
  }),
}) {}

/** The bytes ended before the other side's authenticated end: what came may be only a part. */
export class ChannelTruncatedError extends defineError({
  code: 'AICO_CHANNEL_TRUNCATED',
  hint: 'Treat what was received as incomplete, and open a new channel.',
  make: (cause?: unknown) => ({ message: 'the channel was cut before its end', cause }),
}) {}

/** Inside a channel, the other side sent what is none of the frames of several connections, or more than it may. */
export class ChannelStreamsError extends defineError({
  code: 'AICO_CHANNEL_STREAMS',
  hint: 'Open a new channel. If it happens again, the other side is not made as docs/sealed-channel.md has it.',
  make: (reason: string) => ({
    message: `the channel was broken off: ${reason}`,
    /** For the log, never for the peer. */
    reason,
  }),
}) {}

/** The other side has gone without a word: it did not answer when it was asked. */
export class ChannelSilentError extends defineError({
  code: 'AICO_CHANNEL_SILENT',
  hint: 'The network may have changed, or the other side may sleep. A new channel is opened at the next request.',
  make: (ms: number) => ({ message: `nothing was heard on the channel for ${ms / 1_000} s` }),
}) {}

/** The channel was used after its end, or after a failure. */
export class ChannelClosedError extends defineError({
  code: 'AICO_CHANNEL_CLOSED',
  hint: 'Open a new channel.',
  make: () => ({ message: 'the channel has ended and takes nothing more' }),
}) {}

/** A pairing code that cannot be one: a typing mistake, as its check character tells. */
export class PairingCodeInvalidError extends defineError({
  code: 'AICO_CHANNEL_PAIRING_CODE_INVALID',
  hint: 'Type the 24 characters as they are shown; case, spaces and dashes do not matter.',
  make: (reason: string) => ({ message: `this is not a pairing code: ${reason}` }),
}) {}
