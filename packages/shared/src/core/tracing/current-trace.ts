import { AsyncLocalStorage } from 'node:async_hooks';
import { parseTraceparent, type TraceStep } from './trace-context.ts';

/**
 * The trace of the running asynchronous context. There is one storage for the process, so that code without a reference to the
 * trace finds it, such as a library that logs a line.
 */
const storage = new AsyncLocalStorage<string | TraceStep | undefined>();

/** Reading the storage costs about as much as publishing a message, so it is not read before the first trace. */
let hasBegun = false;

/** The `traceparent` of the running context, if it belongs to a trace. */
export function currentTraceparent(): string | undefined {
  if (!hasBegun) return undefined;
  const trace = storage.getStore();
  return typeof trace === 'object' ? trace.traceparent : trace;
}

/** The id of the trace of the running context. */
export function currentTraceId(): string | undefined {
  return currentTraceparent()?.slice(3, 35);
}

/**
 * Calls `work` as part of a trace, with everything that it starts; with `undefined` or an invalid `traceparent`, as part of none.
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
