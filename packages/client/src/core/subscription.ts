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

export interface SubscribeOptions {
  readonly signal?: AbortSignal;
  /** The subscription is in force: what is published from here on arrives. Called again after each break. */
  readonly onOpen?: () => void;
  /** Messages were lost: `lost` of them, or an unknown number where the backend was restarted or the break was long. */
  readonly onGap?: (lost: number | undefined) => void;
  /** The connection broke with `error`; it is tried again in `delayMs`. */
  readonly onRetry?: (error: unknown, delayMs: number) => void;
  /** Whether to connect again after a break. Default `true`; else the loop ends when the backend ends the stream. */
  readonly reconnect?: boolean;
}

const RECONNECT: Backoff = { minDelayMs: 250, maxDelayMs: 30_000 };
/** The backend sends a heartbeat every 15 s: one that is silent for so long is gone. */
const SILENCE_MS = 45_000;

interface Following {
  fetch(path: string, init: RequestInit): Promise<Response>;
  explain(error: unknown): unknown;
}

/** Follows a stream of events at `path`: the one reader of everything that a backend serves live. */
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
        // Taken note of before it is handed out: an event is never given twice, even where its handler fails.
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
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
  } catch {
    return undefined;
  }
}
