export { MessageQueue, type QueuedBatch } from '../../delivery/message-queue.ts';
export { type BusCredential, readCredential } from './credential.ts';
export {
  type CurveKeyPair,
  curveKeyPair,
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
export {
  FrameBatch,
  headerFault,
  LONGEST_TIME_LEFT_MS,
  MESSAGE_OVERHEAD,
  NO_NUMBER,
  readBatch,
  writeTimeLeft,
} from './frame-batch.ts';
export { FRAME_START, FrameMemory, FrameWriter, FULL_FRAME } from './frame-writer.ts';
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
  subscribe,
  subscribed,
  unsubscribe,
  unsubscribed,
  type Welcome,
  welcome,
  writeAck,
} from './frames.ts';
export { encodeZ85 } from './z85.ts';
export type { LinkStatus } from './zeromq-connection.ts';
export { ZeroMqTransport, type ZeroMqTransportOptions } from './zeromq-transport.ts';
