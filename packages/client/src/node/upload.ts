/**
 * A request body that streams, and that can be ended from outside. `fetch` of undici goes on reading the stream of a request
 * that has failed, for ever where the stream has no end.
 */
export class Upload {
  /** What is handed to `fetch` in the place of the source. */
  readonly stream: ReadableStream<unknown>;
  readonly #reader: ReadableStreamDefaultReader<unknown>;
  #failure: Error | undefined;

  constructor(source: ReadableStream<unknown>) {
    const reader = source.getReader();
    this.#reader = reader;
    this.stream = new ReadableStream<unknown>(
      {
        pull: async (controller) => {
          const { done, value } = await reader.read();
          if (this.#failure !== undefined) controller.error(this.#failure);
          else if (done) controller.close();
          else controller.enqueue(value);
        },
        cancel: (reason) => reader.cancel(reason),
      },
      { highWaterMark: 0 },
    );
  }

  /** The request is over: cancels the source, and what was read of it is not the whole. */
  fail(error: Error): void {
    this.#failure ??= error;
    // A source that cannot be cancelled is its owner's matter: the request has failed already.
    this.#reader.cancel(error).catch(() => {});
  }
}
