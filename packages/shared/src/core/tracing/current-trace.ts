import { AsyncLocalStorage } from 'node:async_hooks';
import { parseTraceparent, type TraceStep } from './trace-context.ts';

/**
 * The trace that whatever runs now belongs to. One for the process, as the asynchronous context itself is: it is found from
 * where nobody could hand it in, such as a line that a library logs.
 */
const storage = new AsyncLocalStorage<string | TraceStep | undefined>();

/** Looking costs about as much as publishing a message: nobody looks before there has been a trace. */
let hasBegun = false;

/** The `traceparent` of what runs now, if it belongs to a trace. */
export function currentTraceparent(): string | undefined {
  if (!hasBegun) return undefined;
  const trace = storage.getStore();
  return typeof trace === 'object' ? trace.traceparent : trace;
}

/** The id of the trace that what runs now belongs to. */
export function currentTraceId(): string | undefined {
  return currentTraceparent()?.slice(3, 35);
}

/**
 * Calls `work` as part of a trace, with all that it starts; with `undefined`, or what is no `traceparent`, as part of none.
 *
 * @example withTraceparent(envelope.traceparent, () => logger.info('Handled'));
 */
export function withTraceparent<T>(traceparent: string | undefined, work: () => T): T {
  const valid =
    traceparent !== undefined && parseTraceparent(traceparent) !== undefined ? traceparent : undefined;
  if (valid !== undefined) return withOwnTrace(valid, work);
  return hasBegun ? storage.run(undefined, work) : work();
}

/** The same for a step of one's own, and for what need not be looked at again. */
export function withOwnTrace<T>(trace: TraceStep | string, work: () => T): T {
  hasBegun = true;
  return storage.getStore() === trace ? work() : storage.run(trace, work);
}
