/** Several connections in one stream of bytes, without anything of a platform. */
export { FrameKind, frameHeader, INITIAL_WINDOW, windowFrame } from './frames.ts';
export { Heartbeat } from './heartbeat.ts';
export { MultiplexerState } from './multiplexer-state.ts';
export type { StreamListener, StreamState } from './stream-state.ts';
