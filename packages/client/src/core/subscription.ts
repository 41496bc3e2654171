import { parseJson } from '@aico/protocol';
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
import { serverSentEvents } from './server-sent-events.ts';
import { type BusEvent, parseBusEvent } from './stream-events.ts';

/** How a topic of a backend is followed. */
export interface SubscribeOptions {
  readonly signal?: AbortSignal;
  /** The subscription is in force: messages published from now on arrive. Called again after each reconnection. */
  readonly onOpen?: () => void;
  /** Messages were lost: `lost` of them, or an unknown number if the backend was restarted or the break was long. */
  readonly onGap?: (lost: number | undefined) => void;
  /** The connection broke with `error`; the next attempt is made in `delayMs`. */
  readonly onRetry?: (error: unknown, delayMs: number) => void;
  /** Whether to reconnect after a break. Default `true`; otherwise the loop ends when the backend ends the stream. */
  readonly reconnect?: boolean;
}

const RECONNECT: Backoff = { minDelayMs: 250, maxDelayMs: 30_000 };
/** A backend that is silent for this long counts as gone: it sends a heartbeat every 15 s. */
const SILENCE_MS = 45_000;

interface Following {
  fetch(path: string, init: RequestInit): Promise<Response>;
  explain(error: unknown): unknown;
}

/** Follows an event stream at `path`. Every live stream of a backend is read by this function. */
export async function* follow(
  { fetch, explain }: Following,
  path: string,
  { signal, onOpen, onGap, onRetry, reconnect = true }: SubscribeOptions = {},
): AsyncGenerator<BusEvent, void, undefined> {
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
      for await (const { event = 'message', id, data } of serverSentEvents(response, () =>
        silence.broken(),
      )) {
        const isFirst = lastId === '';
        // Stored before the event is yielded: an event is never delivered twice, even if its handler fails.
        lastId = id ?? lastId;
        if (event === 'message') yield parseBusEvent(path, data);
        else if (event === 'gap') onGap?.(numberIn(data, 'lost'));
        else if (event === 'open') {
          failures = 0;
          if (!isFirst && fieldOf(data, 'resumed') !== true) onGap?.(undefined);
          onOpen?.();
        }
      }
      if (!reconnect) return;
      throw new ConnectionBrokenError(new Error('the backend ended the subscription'));
    } catch (error) {
      if (signal?.aborted) break;
      const reason = explain(error);
      if (!reconnect || !isPassing(reason)) throw reason;
      const delayMs = backoffDelay(failures, RECONNECT);
      failures += 1;
      onRetry?.(reason, delayMs);
      await pause(delayMs, signal);
    } finally {
      silence.end();
    }
  }
  signal?.throwIfAborted();
}

/** Aborts a connection that has been silent for too long. */
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

  /** Restarts the timeout after something has arrived. */
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

/** Whether another attempt may succeed: after a break, or when the backend is starting, stopping, locked or busy. */
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

function numberIn(text: string, name: string): number | undefined {
  const value = fieldOf(text, name);
  return typeof value === 'number' ? value : undefined;
}

function fieldOf(text: string, name: string): unknown {
  try {
    const value: unknown = parseJson(text);
    return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
  } catch {
    return undefined;
  }
}
