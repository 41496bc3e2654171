export {
  currentTraceparent,
  currentWork,
  Work,
  type WorkContext,
  type WorkNames,
  withLineDelivery,
  withPlugin,
  withTraceparent,
  withWork,
} from './current-work.ts';
export { continueTrace, parseTraceparent, type TraceContext, TraceStep } from './trace-context.ts';
