/** How several connections lie in one stream of bytes, without a stream of Node's. */
export { type FrameHandler, FrameParser } from './frame-parser.ts';
export {
  FrameKind,
  frameHeader,
  INITIAL_WINDOW,
  MAX_STREAM_ID,
  PREFACE,
  windowFrame,
} from './frames.ts';
