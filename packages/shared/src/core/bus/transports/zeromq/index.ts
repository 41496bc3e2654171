export { type BusCredential, busCredential, readCredential } from './credential.ts';
export {
  type CurveKeyPair,
  curveKeyPair,
  isCurveKey,
  isSameProof,
  type ProofSubject,
  proveIdentity,
} from './curve-keys.ts';
export {
  BusCongestedError,
  BusConnectionLostError,
  BusCredentialError,
  BusDeniedError,
  BusProtocolError,
  BusRefusedError,
  BusUnreachableError,
  MessageTooLargeError,
} from './errors.ts';
export { type CopiedRun, FrameWriter } from './frame-writer.ts';
export {
  bye,
  challenge,
  dropped,
  FrameType,
  type Hello,
  hello,
  type OverflowPolicy,
  PROTOCOL_VERSION,
  proof,
  ROUTING_ID_LENGTH,
  readAck,
  readNumber,
  refused,
  type Subscribe,
  subscribe,
  subscribed,
  unsubscribe,
  unsubscribed,
  type Welcome,
  welcome,
  writeAck,
} from './frames.ts';
export { readMessages } from './messages.ts';
export {
  deadlineAfter,
  headFault,
  LONGEST_TIME_LEFT_MS,
  MESSAGE_OVERHEAD,
  NO_NUMBER,
  type Run,
  type RunHead,
  readRun,
  readRunHead,
  runStartLimit,
  skipMessages,
  timeLeftUntil,
} from './runs.ts';
export { decodeZ85, encodeZ85 } from './z85.ts';
export type { LinkStatus } from './zeromq-connection.ts';
export { ZeroMqTransport, type ZeroMqTransportOptions } from './zeromq-transport.ts';
