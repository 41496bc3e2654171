export { currentTraceId, currentTraceparent, withOwnTraceparent, withTraceparent } from './current-trace.ts';
export { continueTrace, parseTraceparent, type TraceContext } from './trace-context.ts';
