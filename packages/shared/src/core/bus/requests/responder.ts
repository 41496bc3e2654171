import { BoundedCache } from '../../tasks/index.ts';
import { RequestGivenUpError } from '../errors.ts';
import { CANCEL_PREFIX } from '../topics/reserved-topics.ts';
import type { Envelope, MessageHandler, RequestEnvelope, RequestHandler } from '../types.ts';
import { failure, success } from './requester.ts';

/** How many cancellations are remembered that arrive before the request is handled. */
const CANCELLED_LIMIT = 1_024;

/** The requests that one client is answering, by the topic of their answer. */
export class Responder {
  readonly #controllers = new Map<string, AbortController>();
  readonly #cancelled = new BoundedCache<string, true>(CANCELLED_LIMIT);
  #closed = false;

  /**
   * Runs `work` with a signal that aborts when the answer is no longer awaited.
   *
   * @throws {RequestGivenUpError} when the request was cancelled before
   */
  async #answer<T>(
    envelope: Envelope<T>,
    work: (request: RequestEnvelope<T>) => unknown,
  ): Promise<{ readonly value: unknown; readonly awaited: boolean }> {
    const { type, replyto, timeLeftMs: remaining } = envelope;
    const controller = new AbortController();
    const { signal } = controller;
    const abort = (): void => controller.abort(new RequestGivenUpError(type));
    if ((replyto !== undefined && this.#cancelled.delete(replyto)) || (remaining ?? 1) <= 0)
      throw new RequestGivenUpError(type);
    const timer = remaining === undefined ? undefined : setTimeout(abort, Math.min(remaining, 2 ** 31 - 1));
    if (replyto !== undefined) this.#controllers.set(replyto, controller);
    try {
      const value = await work(withSignal(envelope, signal));
      return { value, awaited: !signal.aborted };
    } finally {
      clearTimeout(timer);
      if (replyto !== undefined) this.#controllers.delete(replyto);
    }
  }

  /**
   * Handles a cancellation. Its `replyto` identifies the request; the broker allows a client only its own topics there, so no
   * client can cancel another client's request.
   */
  readonly cancel: MessageHandler = (topic, _message, { replyto }) => {
    if (replyto === undefined) return;
    const controller = this.#controllers.get(replyto);
    if (controller !== undefined) {
      controller.abort(new RequestGivenUpError(topic.slice(CANCEL_PREFIX.length)));
      return;
    }
    this.#cancelled.set(replyto, true);
  };

  /** Returns a message handler that answers each request with the result of `handler`, or with the code of its error. */
  handler<T>(
    handler: RequestHandler<T>,
    publish: (replyto: string, answer: unknown) => Promise<void>,
  ): MessageHandler<T> {
    return async (topic, message, envelope) => {
      const { replyto } = envelope;
      try {
        const outcome = await this.#answer(envelope, (request) => handler(topic, message, request));
        if (replyto !== undefined && outcome.awaited) await publish(replyto, success(outcome.value));
      } catch (error) {
        if (replyto !== undefined && !this.#closed && !(error instanceof RequestGivenUpError))
          await publish(replyto, failure(error));
        throw error;
      }
    };
  }

  /** Aborts the requests that are being answered. */
  close(reason: Error): void {
    this.#closed = true;
    for (const controller of this.#controllers.values()) controller.abort(reason);
    this.#cancelled.clear();
  }
}

function withSignal<T>(envelope: Envelope<T>, signal: AbortSignal): RequestEnvelope<T> {
  const { id, source, type, time, datacontenttype, traceparent, replyto, timeLeftMs, data } = envelope;
  return { id, source, type, time, datacontenttype, traceparent, replyto, timeLeftMs, data, signal };
}
