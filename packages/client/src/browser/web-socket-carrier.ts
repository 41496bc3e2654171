import type { Carrier } from '../core/handshake.ts';
import { BackendNotRunningError, ConnectionBrokenError } from '../errors.ts';

const SUBPROTOCOL = 'aico-channel.1';
/** The bytes that may be buffered by the browser before writers wait, and the polling interval in milliseconds. */
const HIGH_WATER = 1_048_576;
const LOOK_MS = 10;

/** A WebSocket as a byte stream; message boundaries have no meaning. */
export class WebSocketCarrier implements Carrier {
  readonly #socket: WebSocket;
  readonly #arrived: Uint8Array[] = [];
  #waiting: { resolve: (chunk: Uint8Array | undefined) => void; reject: (error: Error) => void } | undefined;
  #closed = false;
  #failure: Error | undefined;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => this.#deliver(new Uint8Array(data as ArrayBuffer)));
    socket.addEventListener('close', () => this.#end());
  }

  /**
   * @param url of `http:` or `https:`
   * @throws {BackendNotRunningError} when the WebSocket cannot be opened: browsers hide the reason from pages
   */
  static open(url: URL, signal: AbortSignal): Promise<WebSocketCarrier> {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(url.href.replace(/^http/, 'ws'), SUBPROTOCOL);
      socket.binaryType = 'arraybuffer';
      const carrier = new WebSocketCarrier(socket);
      const give = (): void => {
        signal.removeEventListener('abort', give);
        socket.close();
        reject(new BackendNotRunningError(url.host, signal.aborted ? signal.reason : undefined));
      };
      signal.addEventListener('abort', give, { once: true });
      socket.addEventListener('open', () => {
        signal.removeEventListener('abort', give);
        resolve(carrier);
      });
      socket.addEventListener('close', give);
    });
  }

  /** Whether it can still be written to. */
  get isOpen(): boolean {
    return !this.#closed && this.#socket.readyState === WebSocket.OPEN;
  }

  send(bytes: Uint8Array): void {
    if (this.isOpen) this.#socket.send(bytes as Uint8Array<ArrayBuffer>);
  }

  /**
   * Resolves when more can be written.
   * @throws {ConnectionBrokenError}
   */
  async drained(): Promise<void> {
    while (this.isOpen && this.#socket.bufferedAmount > HIGH_WATER)
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    if (!this.isOpen) throw new ConnectionBrokenError(this.#failure ?? new Error('it was closed'));
  }

  receive(): Promise<Uint8Array | undefined> {
    const chunk = this.#arrived.shift();
    if (chunk !== undefined) return Promise.resolve(chunk);
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#closed) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  unread(bytes: Uint8Array): void {
    this.#arrived.unshift(bytes);
  }

  close(): void {
    this.#socket.close();
  }

  /** Closes it; a pending read fails with `error`. */
  fail(error: Error): void {
    this.#failure ??= error;
    this.#socket.close();
    this.#end();
  }

  #deliver(chunk: Uint8Array): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined) this.#arrived.push(chunk);
    else waiting.resolve(chunk);
  }

  #end(): void {
    this.#closed = true;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (this.#failure === undefined) waiting?.resolve(undefined);
    else waiting?.reject(this.#failure);
  }
}
