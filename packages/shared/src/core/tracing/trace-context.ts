import { randomUUID } from 'node:crypto';

/** The content of a `traceparent`. */
export interface TraceContext {
  /** 32 lower-case hexadecimal digits. */
  readonly traceId: string;
  /** The id of the step that sent it: 16 lower-case hexadecimal digits. */
  readonly spanId: string;
  /** Two hexadecimal digits; the lowest bit says that the trace is recorded. */
  readonly flags: string;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const NO_TRACE = '0'.repeat(32);
const NO_SPAN = '0'.repeat(16);

/**
 * Parses a `traceparent`; returns `undefined` if it is invalid. Of a newer version it reads the fields of version 00.
 *
 * Source: W3C Trace Context, https://www.w3.org/TR/trace-context/#traceparent-header
 * @example parseTraceparent('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01')?.traceId
 */
export function parseTraceparent(text: string): TraceContext | undefined {
  if (text.length > 512) return undefined;
  const [, version, traceId, spanId, flags, rest] = TRACEPARENT.exec(text) ?? [];
  if (version === undefined || traceId === undefined || spanId === undefined || flags === undefined)
    return undefined;
  if (version === 'ff' || (version === '00' && rest !== undefined)) return undefined;
  if (traceId === NO_TRACE || spanId === NO_SPAN) return undefined;
  return { traceId, spanId, flags };
}

/**
 * The `traceparent` of a step of one's own: in the trace that was received, or in a new one. Both ids are taken from `id`,
 * the random UUID of the step: that of a new trace is all of it without the hyphens, the step's its second half.
 */
export function continueTrace(received: string | undefined, id: string = randomUUID()): string {
  const context = received === undefined ? undefined : parseTraceparent(received);
  // The variant digit of a UUID is never zero, so that the step's id is not either.
  const spanId = id.slice(19, 23) + id.slice(24);
  if (context !== undefined) return `00-${context.traceId}-${spanId}-${context.flags}`;
  return `00-${id.slice(0, 8)}${id.slice(9, 13)}${id.slice(14, 18)}${spanId}-${spanId}-01`;
}

/** The result of `continueTrace()` for the same arguments, computed when it is first read: for most steps it never is. */
export class TraceStep {
  readonly #received: string | undefined;
  readonly #id: string;
  #traceparent: string | undefined;

  constructor(received: string | undefined, id: string = randomUUID()) {
    this.#received = received;
    this.#id = id;
  }

  get traceparent(): string {
    this.#traceparent ??= continueTrace(this.#received, this.#id);
    return this.#traceparent;
  }
}
