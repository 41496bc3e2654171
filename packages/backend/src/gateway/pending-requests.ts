import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { RequestCounts } from '../core/gateway.ts';

/** A request whose answer is not complete. */
export interface PendingRequest {
  readonly response: ServerResponse;
  /** The name of its mount. */
  mount: string | undefined;
  /** Ends an endless reply. A stop does not wait for it. */
  end: (() => void) | undefined;
  /** Settles when the request is over or turns out to be endless. Created only if something waits for it. */
  settled: PromiseWithResolvers<void> | undefined;
  /** Its index in the list. */
  index: number;
}

/** Milliseconds in which the reader of an endless reply must receive its end. */
const LAST_BYTES_MS = 1_000;

/** Every request whose answer is not complete. */
export class PendingRequests {
  /**
   * A removed request is replaced by the last one. Not a Set: one with constant insertions and deletions is copied every few
   * requests, and each old copy keeps the next one alive, with its requests, until a full collection.
   */
  readonly #pending: PendingRequest[] = [];
  #begun = 0;

  /** Requests since the start, and those of them that are pending. */
  get counts(): RequestCounts {
    return { begun: this.#begun, pending: this.#pending.length };
  }

  /** Adds a request, which is pending until `response` is closed. */
  begin(response: ServerResponse): PendingRequest {
    const index = this.#pending.length;
    const request: PendingRequest = { response, mount: undefined, end: undefined, settled: undefined, index };
    this.#pending.push(request);
    this.#begun += 1;
    response.on('close', () => this.#remove(request));
    // A route may write once more before it is notified of the end.
    response.on('error', ignore);
    return request;
  }

  /** Marks a request as endless: its reply continues until its reader leaves, or `end` is called. */
  noteEndless(response: ServerResponse, end = (): void => endNow(response)): void {
    const request = this.#pending.find((each) => each.response === response);
    if (request === undefined) return;
    request.end = end;
    request.settled?.resolve();
  }

  /** Resolves when every pending request to a mount, except endless ones, has been answered. */
  async allAnswered(): Promise<void> {
    await Promise.all(this.#finite().map(settling));
  }

  /** Resolves when no request of `connection` is pending, except endless ones. */
  async whenIdle(connection: Duplex): Promise<void> {
    const ofConnection = ({ response, end }: PendingRequest): boolean =>
      end === undefined && response.req.socket === connection;
    for (;;) {
      const pending = this.#pending.filter(ofConnection);
      if (pending.length === 0) return;
      await Promise.all(pending.map(settling));
    }
  }

  /**
   * Checks pending requests again after the rights of a principal have changed. Its endless replies are ended; when their
   * readers reconnect, they are authorised again. Requests that are no longer permitted are cut.
   *
   * @param permitted whether the request may continue; undefined for a request of another principal
   */
  reconsider(permitted: (request: IncomingMessage) => boolean | undefined): void {
    for (const { response, end } of [...this.#pending]) {
      const goesOn = permitted(response.req);
      if (goesOn === undefined) continue;
      if (end !== undefined) end();
      else if (!goesOn) response.destroy();
    }
  }

  /**
   * Ends endless replies. From then on they are finite: a connection is not idle before its reader has received the end. A reader
   * that does not read is cut.
   */
  endEndless(): void {
    for (const request of [...this.#pending]) {
      const { end, response } = request;
      if (end === undefined) continue;
      request.end = undefined;
      const late = setTimeout(() => response.destroy(), LAST_BYTES_MS).unref();
      response.once('close', () => clearTimeout(late));
      end();
    }
  }

  /**
   * Ends endless replies of `mount`, and resolves when every request to it that is pending now is over. Those that are
   * pending at `deadline` are cut.
   */
  async endMount(mount: string, deadline?: AbortSignal): Promise<void> {
    const pending = this.#pending.filter((request) => request.mount === mount);
    const closed = pending.map(({ response }) => whenClosed(response));
    for (const { end } of pending) end?.();
    const cut = (): void => {
      for (const { response } of pending) response.destroy();
    };
    if (deadline?.aborted) cut();
    deadline?.addEventListener('abort', cut, { once: true });
    await Promise.all(closed);
    deadline?.removeEventListener('abort', cut);
  }

  /**
   * Cuts requests to mounts that are not endless.
   * @returns their methods and paths
   */
  cut(): readonly string[] {
    const pending = this.#finite();
    for (const { response } of pending) response.destroy();
    return pending.map(({ response: { req } }) => `${req.method} ${pathOf(req.url)}`);
  }

  #finite(): readonly PendingRequest[] {
    return this.#pending.filter(({ mount, end }) => mount !== undefined && end === undefined);
  }

  #remove(request: PendingRequest): void {
    const last = this.#pending.pop();
    if (last !== undefined && last !== request) {
      this.#pending[request.index] = last;
      last.index = request.index;
    }
    request.settled?.resolve();
  }
}

function ignore(): void {}

function settling(request: PendingRequest): Promise<void> {
  request.settled ??= Promise.withResolvers<void>();
  return request.settled.promise;
}

function whenClosed(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => response.once('close', () => resolve()));
}

function endNow(response: ServerResponse): void {
  // A reader that does not read would not receive the end either.
  if (response.writableNeedDrain) response.destroy();
  else response.end();
}

/** The path without the query, which is private. */
function pathOf(url = ''): string {
  return url.split('?', 1)[0] ?? '';
}
