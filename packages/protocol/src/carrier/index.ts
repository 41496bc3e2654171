export { PREFACE } from './multiplexing/frames.ts';
export { MultiplexedStream } from './multiplexing/multiplexed-stream.ts';
export { type AcceptOptions, Multiplexer } from './multiplexing/multiplexer.ts';
export { SealedStream, type Sealing } from './sealed-stream.ts';
export type { SocketLike } from './socket-like.ts';
