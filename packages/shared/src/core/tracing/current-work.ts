import { AsyncLocalStorage } from 'node:async_hooks';
import { parseTraceparent, type TraceStep } from './trace-context.ts';

/** The request, plugin and device that some work belongs to. */
export interface WorkNames {
  readonly requestId?: string | undefined;
  /** The plugin whose code runs. */
  readonly plugin?: string | undefined;
  /** The id of the device that sent the request. */
  readonly device?: string | undefined;
}

/** The fields of a log line: the work, and the ids of the trace. */
export interface WorkContext extends WorkNames {
  readonly traceId?: string | undefined;
}

/** The work that an asynchronous context does. It never changes: a step into other work makes another object. */
export class Work {
  readonly trace: string | TraceStep | undefined;
  readonly names: WorkNames;
  /** Whether log lines are being delivered or stored: a line that this logs must not be delivered again. */
  readonly deliversLines: boolean;
  #context: WorkContext | undefined;

  constructor(trace: string | TraceStep | undefined, names: WorkNames, deliversLines = false) {
    this.trace = trace;
    this.names = names;
    this.deliversLines = deliversLines;
  }

  get traceparent(): string | undefined {
    return typeof this.trace === 'object' ? this.trace.traceparent : this.trace;
  }

  /** One object for all lines that are logged meanwhile; `undefined` if it has no fields. */
  get context(): WorkContext | undefined {
    if (this.#context !== undefined) return this.#context;
    const { requestId, plugin, device } = this.names;
    const traceId = this.traceparent?.slice(3, 35);
    const context = {
      ...(requestId !== undefined && { requestId }),
      ...(traceId !== undefined && { traceId }),
      ...(plugin !== undefined && { plugin }),
      ...(device !== undefined && { device }),
    };
    if (Object.keys(context).length === 0) return undefined;
    this.#context = Object.freeze(context);
    return this.#context;
  }
}

/**
 * The work of the running asynchronous context. There is one storage for the process, so that code without a reference to the
 * work finds it, such as a library that logs a line.
 */
const storage = new AsyncLocalStorage<Work>();

/** Reading the storage costs about as much as publishing a message, so it is not read before there is something in it. */
let hasBegun = false;

const NO_NAMES: WorkNames = Object.freeze({});
const DELIVERING_LINES = new Work(undefined, NO_NAMES, true);

/** The work of the running context, if it is known. */
export function currentWork(): Work | undefined {
  return hasBegun ? storage.getStore() : undefined;
}

/** The `traceparent` of the running context, if it belongs to a trace. */
export function currentTraceparent(): string | undefined {
  return currentWork()?.traceparent;
}

/** Calls `run`, with everything that it starts, as `work`. */
export function withWork<T>(work: Work, run: () => T): T {
  hasBegun = true;
  return storage.getStore() === work ? run() : storage.run(work, run);
}

/**
 * Calls `run` as part of a trace, with everything that it starts; with `undefined` or an invalid `traceparent`, as part of none.
 * The names of the running work are kept.
 *
 * @example withTraceparent(envelope.traceparent, () => logger.info('Handled'));
 */
export function withTraceparent<T>(traceparent: string | undefined, run: () => T): T {
  const valid =
    traceparent !== undefined && parseTraceparent(traceparent) !== undefined ? traceparent : undefined;
  const current = currentWork();
  if (current?.trace === valid) return run();
  return withWork(new Work(valid, current?.names ?? NO_NAMES, current?.deliversLines), run);
}

/**
 * Calls `run` in the name of a plugin, with everything that it starts. The trace and the other names are kept.
 *
 * @example withPlugin('inbox', () => getLogger('parser', 'mime').info('Parsed')); // context: { plugin: 'inbox' }
 */
export function withPlugin<T>(plugin: string, run: () => T): T {
  const current = currentWork();
  if (current?.names.plugin === plugin) return run();
  return withWork(new Work(current?.trace, { ...current?.names, plugin }, current?.deliversLines), run);
}

/**
 * Calls `run` as the delivery of log lines, which belongs to no request. A line that is logged meanwhile is printed and stored and
 * not delivered, since its delivery could cause another line, and so on.
 */
export function withLineDelivery<T>(run: () => T): T {
  return withWork(DELIVERING_LINES, run);
}
