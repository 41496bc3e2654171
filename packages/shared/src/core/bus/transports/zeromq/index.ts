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
  BusRefusedError,
  BusUnreachableError,
} from './errors.ts';
export { encodeZ85 } from './z85.ts';
export type { LinkStatus } from './zeromq-connection.ts';
export { ZeroMqTransport, type ZeroMqTransportOptions } from './zeromq-transport.ts';
