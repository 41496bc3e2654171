export { currentTraceId, currentTraceparent, withTraceparent } from './current-trace.ts';
export { continueTrace, parseTraceparent, type TraceContext } from './trace-context.ts';
