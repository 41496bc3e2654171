import { BoundedCache } from '../../tasks/index.ts';
import { RequestGivenUpError } from '../errors.ts';
import { CANCEL_PREFIX } from '../topics/reserved-topics.ts';
import type { Envelope, MessageHandler, RequestEnvelope, RequestHandler } from '../types.ts';
import { failure, success } from './requester.ts';

/** How many cancelled requests are remembered before their turn; one that is forgotten is handled in vain. */
const MEMORY = 1_024;

/** The requests that one client is answering, by where their answer is awaited. */
export class Answering {
  readonly #controllers = new Map<string, AbortController>();
  readonly #givenUp = new BoundedCache<string, true>(MEMORY);
  #closed = false;

  /**
   * Runs `work` with a signal that aborts when the answer is not awaited any more.
   *
   * @throws {RequestGivenUpError} when that is so already
   */
  async #answer<T>(
    envelope: Envelope<T>,
    work: (request: RequestEnvelope<T>) => unknown,
  ): Promise<{ readonly value: unknown; readonly awaited: boolean }> {
    const { type, replyto, timeLeftMs: remaining } = envelope;
    const controller = new AbortController();
    const { signal } = controller;
    const giveUp = (): void => controller.abort(new RequestGivenUpError(type));
    if ((replyto !== undefined && this.#givenUp.delete(replyto)) || (remaining ?? 1) <= 0)
      throw new RequestGivenUpError(type);
    const timer = remaining === undefined ? undefined : setTimeout(giveUp, Math.min(remaining, 2 ** 31 - 1));
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
   * Takes the message by which a requester gives up. Its `replyto` names the request: the broker lets a client name only
   * topics of its own there, so no client can cancel the request of another.
   */
  readonly takeCancel: MessageHandler = (topic, _message, { replyto }) => {
    if (replyto === undefined) return;
    const controller = this.#controllers.get(replyto);
    if (controller !== undefined) {
      controller.abort(new RequestGivenUpError(topic.slice(CANCEL_PREFIX.length)));
      return;
    }
    this.#givenUp.set(replyto, true);
  };

  /** A handler that answers each request with the result of `handler`, or with the code of its error. */
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

  /** Aborts all that is being answered. */
  close(reason: Error): void {
    this.#closed = true;
    for (const controller of this.#controllers.values()) controller.abort(reason);
    this.#givenUp.clear();
  }
}

function withSignal<T>(envelope: Envelope<T>, signal: AbortSignal): RequestEnvelope<T> {
  const { id, source, type, time, datacontenttype, traceparent, replyto, timeLeftMs, data } = envelope;
  return { id, source, type, time, datacontenttype, traceparent, replyto, timeLeftMs, data, signal };
}
