import { AicoError } from '../errors.ts';

/** The other side refused to open the channel, or broke it off. It says no more than that, whatever the reason. */
export class ChannelRefusedError extends AicoError {
  constructor() {
    super('AICO_CHANNEL_REFUSED', 'the other side refused the channel', {
      hint: "Look in the backend's log for the reason; a device that was revoked, or a pairing code that has lapsed, must pair anew.",
    });
  }
}

/** The server has too many channels just now, of this device, of this address or in all. Nothing was executed. */
export class ChannelBusyError extends AicoError {
  readonly retryAfterSeconds: number;

  constructor(retryAfterSeconds: number) {
    super('AICO_CHANNEL_BUSY', 'the other side has too many channels just now', {
      hint: `Try again in ${retryAfterSeconds} s. If it happens often, close channels that are not used.`,
    });
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/**
 * The server at this address offers another key than the one pinned when this device was paired. Nothing was sent to
 * it, and nothing may be until a person has decided.
 */
export class ChannelServerKeyChangedError extends AicoError {
  /** The fingerprint of the key this device trusts. */
  readonly pinned: string;
  /** The fingerprint of the key that was offered, which nothing vouches for. */
  readonly offered: string;

  constructor(pinned: string, offered: string) {
    super(
      'AICO_CHANNEL_SERVER_KEY_CHANGED',
      `the server's key is not the one this device was paired with: pinned ${pinned}, offered ${offered}`,
      {
        hint: 'Somebody may be in between. Compare the fingerprint on the server; if the key was changed on purpose, forget the server and pair again.',
      },
    );
    this.pinned = pinned;
    this.offered = offered;
  }
}

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
export class ChannelHandshakeError extends AicoError {
  readonly fault: HandshakeFault;

  constructor(fault: HandshakeFault) {
    super('AICO_CHANNEL_HANDSHAKE', `the channel could not be opened: ${fault}`, {
      hint: 'Check that both sides speak the same version and that the code or the credentials are those of this server.',
    });
    this.fault = fault;
  }
}

/** A record that was altered, replayed, reordered or malformed. The channel is dead, its keys are gone. */
export class ChannelRecordError extends AicoError {
  /** For the log, never for the peer. */
  readonly reason: string;

  constructor(reason: string) {
    super('AICO_CHANNEL_RECORD', `the channel was broken off: ${reason}`, {
      hint: 'Open a new channel. If it happens again, something between the two sides alters the bytes.',
    });
    this.reason = reason;
  }
}

/** The bytes ended before the other side's authenticated end: what came may be only a part. */
export class ChannelTruncatedError extends AicoError {
  constructor(cause?: unknown) {
    super('AICO_CHANNEL_TRUNCATED', 'the channel was cut before its end', {
      hint: 'Treat what was received as incomplete, and open a new channel.',
      cause,
    });
  }
}

/** Inside a channel, the other side sent what is none of the frames of several connections, or more than it may. */
export class ChannelStreamsError extends AicoError {
  /** For the log, never for the peer. */
  readonly reason: string;

  constructor(reason: string) {
    super('AICO_CHANNEL_STREAMS', `the channel was broken off: ${reason}`, {
      hint: 'Open a new channel. If it happens again, the other side is not made as docs/sealed-channel.md has it.',
    });
    this.reason = reason;
  }
}

/** The other side has gone without a word: it did not answer when it was asked. */
export class ChannelSilentError extends AicoError {
  constructor(ms: number) {
    super('AICO_CHANNEL_SILENT', `nothing was heard on the channel for ${ms / 1_000} s`, {
      hint: 'The network may have changed, or the other side may sleep. A new channel is opened at the next request.',
    });
  }
}

/** The channel was used after its end, or after a failure. */
export class ChannelClosedError extends AicoError {
  constructor() {
    super('AICO_CHANNEL_CLOSED', 'the channel has ended and takes nothing more', {
      hint: 'Open a new channel.',
    });
  }
}

/** A pairing code that cannot be one: a typing mistake, as its check character tells. */
export class PairingCodeInvalidError extends AicoError {
  constructor(reason: string) {
    super('AICO_CHANNEL_PAIRING_CODE_INVALID', `this is not a pairing code: ${reason}`, {
      hint: 'Type the 24 characters as they are shown; case, spaces and dashes do not matter.',
    });
  }
}
