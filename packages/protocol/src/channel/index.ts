/**
 * The protocol of the sealed channel (docs/sealed-channel.md): bytes in, bytes out. It uses no Node builtins, so browsers can
 * load it. The primitives come from `@aico/protocol/channel/node` or `@aico/protocol/channel/noble`.
 */
export {
  ChannelBusyError,
  ChannelClosedError,
  ChannelHandshakeError,
  ChannelRecordError,
  ChannelRefusedError,
  ChannelServerKeyChangedError,
  ChannelSilentError,
  ChannelStreamsError,
  ChannelTruncatedError,
  type HandshakeFault,
  PairingCodeInvalidError,
} from './errors.ts';
export { fromHex, toHex } from './hex.ts';
export type { PairingGrant, PairingRequest } from './pairing/enrolment.ts';
export { fingerprint } from './pairing/fingerprint.ts';
export { PairingBook, type PairingBookOptions } from './pairing/pairing-book.ts';
export { createPairingCode, type PairingCode, parsePairingCode } from './pairing/pairing-code.ts';
export { FrameReader } from './records/frame-reader.ts';
export { ChannelSession, type SessionState } from './session/channel-session.ts';
export {
  ChannelInitiator,
  type DeviceCredentials,
  type Paired,
  PairingInitiator,
} from './session/initiator.ts';
export { MAX_HANDSHAKE_FRAME } from './session/opening.ts';
export {
  ChannelResponder,
  type ChannelResponderOptions,
  type KnownOpening,
  type PairingOpening,
  type PairingRequested,
} from './session/responder.ts';
export {
  type AeadKey,
  type CryptoSuite,
  generateKeyPair,
  KEY_BYTES,
  type KeyPair,
} from './suites/crypto-suite.ts';
export { busyFrame, INSTANCE_BYTES } from './wire.ts';
