export { currentTraceId, currentTraceparent, withOwnTrace, withTraceparent } from './current-trace.ts';
export { continueTrace, parseTraceparent, type TraceContext, TraceStep } from './trace-context.ts';
