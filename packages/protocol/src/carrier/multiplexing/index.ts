/** Multiplexes several connections on one byte stream, without platform APIs. */
export { FrameKind, frameHeader, INITIAL_WINDOW, windowFrame } from './frames.ts';
export { Heartbeat } from './heartbeat.ts';
export { MultiplexerState } from './multiplexer-state.ts';
export type { StreamListener, StreamState } from './stream-state.ts';
