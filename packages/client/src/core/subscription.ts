import { type Backoff, backoffDelay, pause } from '@aico/protocol/timing';
import {
  BackendNotRunningError,
  ChannelNotServedError,
  ConnectionBrokenError,
  ProblemError,
  ReplyTimeoutError,
  TooManyChannelsError,
  UnexpectedReplyError,
} from '../errors.ts';
import { ensureOk } from './reply.ts';
import { type EventSourceMessage, serverSentEvents } from './server-sent-events.ts';

/** A message of the bus, with its envelope as CloudEvents 1.0 names it. */
export interface BusEvent<T = unknown> {
  readonly id: string;
  /** Who published it. */
  readonly source: string;
  readonly topic: string;
  /** RFC 3339, UTC. */
  readonly time: string;
  /** What was published; bytes come as a `Uint8Array`. */
  readonly data: T;
  /** W3C trace context, where the publisher was traced. */
  readonly traceparent?: string;
}

export interface SubscribeOptions {
  readonly signal?: AbortSignal;
  /** The subscription is in force: what is published from here on arrives. Called again after each break. */
  readonly onOpen?: () => void;
  /** Messages were lost: `lost` of them, or an unknown number where the backend was restarted or the break was long. */
  readonly onGap?: (lost: number | undefined) => void;
  /** The connection broke with `error`; it is tried again in `delayMs`. */
  readonly onRetry?: (error: unknown, delayMs: number) => void;
}

const RECONNECT: Backoff = { minDelayMs: 250, maxDelayMs: 30_000 };
/** The backend sends a heartbeat every 15 s: one that is silent for so long is gone. */
const SILENCE_MS = 45_000;

interface Following {
  fetch(path: string, init: RequestInit): Promise<Response>;
  explain(error: unknown): unknown;
}

export async function* follow(
  { fetch, explain }: Following,
  topic: string,
  { signal, onOpen, onGap, onRetry }: SubscribeOptions = {},
): AsyncGenerator<BusEvent, void, undefined> {
  const path = `/api/v1/events?topic=${encodeURIComponent(topic)}`;
  let lastId = '';
  let failures = 0;
  while (!signal?.aborted) {
    const silence = new Silence(SILENCE_MS, signal);
    try {
      const response = await fetch(path, {
        headers: { accept: 'text/event-stream', ...(lastId === '' ? {} : { 'last-event-id': lastId }) },
        signal: silence.signal,
      });
      await ensureOk(response);
      for await (const event of serverSentEvents(response, () => silence.broken())) {
        const resumable = event.id ?? lastId;
        if (event.event === 'open') {
          failures = 0;
          if (lastId !== '' && !isResumed(event)) onGap?.(undefined);
          lastId = resumable;
          onOpen?.();
        } else if (event.event === 'gap') {
          lastId = resumable;
          onGap?.(lostOf(event));
        } else {
          // Taken note of before it is handed out: an event is never given twice, even where its handler fails.
          lastId = resumable;
          yield busEvent(event);
        }
      }
      throw new ConnectionBrokenError(new Error('the backend ended the subscription'));
    } catch (error) {
      if (signal?.aborted) break;
      const reason = explain(error);
      if (!isPassing(reason)) throw reason;
      failures += 1;
      const delayMs = backoffDelay(failures, RECONNECT);
      onRetry?.(reason, delayMs);
      await pause(delayMs, signal);
    } finally {
      silence.end();
    }
  }
  signal?.throwIfAborted();
}

/** Gives up on a connection that has been silent for too long. */
class Silence {
  readonly signal: AbortSignal;
  readonly #ms: number;
  readonly #controller = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(ms: number, signal: AbortSignal | undefined) {
    this.#ms = ms;
    this.signal =
      signal === undefined ? this.#controller.signal : AbortSignal.any([signal, this.#controller.signal]);
    this.broken();
  }

  /** Something was heard. */
  broken(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#controller.abort(new ConnectionBrokenError(new Error(`silent for ${this.#ms / 1_000} s`)));
    }, this.#ms);
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}

/** What another attempt may well not meet: a break, or a backend that stops, starts, is locked or busy. A refusal stays one. */
function isPassing(error: unknown): boolean {
  if (error instanceof UnexpectedReplyError) return error.status >= 500;
  if (error instanceof ProblemError) return error.problem.status >= 500 || error.problem.status === 429;
  return (
    error instanceof ConnectionBrokenError ||
    error instanceof ReplyTimeoutError ||
    error instanceof BackendNotRunningError ||
    error instanceof ChannelNotServedError ||
    error instanceof TooManyChannelsError
  );
}

function busEvent({ data: text }: EventSourceMessage): BusEvent {
  const event = record(text);
  const { id, source, type, time, traceparent, data, data_base64: base64 } = event;
  return {
    id: String(id),
    source: String(source),
    topic: String(type),
    time: String(time),
    data: typeof base64 === 'string' ? bytesOf(base64) : data,
    ...(typeof traceparent === 'string' ? { traceparent } : {}),
  };
}

function isResumed({ data }: EventSourceMessage): boolean {
  return record(data).resumed === true;
}

function lostOf({ data }: EventSourceMessage): number | undefined {
  const { lost } = record(data);
  return typeof lost === 'number' ? lost : undefined;
}

function record(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return { ...value };
  } catch (error) {
    throw new UnexpectedReplyError(200, 'and not with events of the bus', error);
  }
  throw new UnexpectedReplyError(200, 'and not with events of the bus');
}

function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
