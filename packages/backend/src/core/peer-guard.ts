import { AsyncLocalStorage } from 'node:async_hooks';
import type { EventEmitter } from 'node:events';
import { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from '@aico/shared/core/logging';

/** The connection of the peer that caused a failure. The failure ends this connection only. */
export interface PeerConnection {
  destroy(error?: Error): unknown;
}

/** Lines that are logged per minute. A peer that fails a callback repeatedly must not fill the disk. */
const LINES_PER_MINUTE = 20;

/**
 * Confines failures that a peer can cause to that peer's connection. Everything a peer sends reaches the code as an event, so
 * the guard wraps the emitters instead of the listeners: an error thrown by any listener is logged and ends the connection. An
 * `error` event without a listener counts as thrown. Timers and promises that listeners start run in an asynchronous context
 * that refers to the connection; {@link contain} ends that connection when one of them fails.
 *
 * @example
 * ```ts
 * const guard = new PeerGuard(logger);
 * guard.watch(webSocket, webSocketConnection);
 * webSocket.on('message', () => { throw new Error('only this WebSocket ends'); });
 * ```
 */
export class PeerGuard {
  readonly #logger: Logger;
  /** The connection for which the current code was started. */
  readonly #current = new AsyncLocalStorage<PeerConnection>();
  readonly #guarded = new WeakSet<EventEmitter>();
  #failures = 0;
  #linesLeft = LINES_PER_MINUTE;
  #unlogged = 0;
  #minute = 0;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** The number of failures that were confined to a connection. */
  get failures(): number {
    return this.#failures;
  }

  /** Guards every listener of a connection, including those added later. Further calls have no effect. */
  watch<Watched extends EventEmitter & PeerConnection>(connection: Watched): Watched {
    this.#wrap(connection, () => connection);
    return connection;
  }

  /**
   * Guards the events of an emitter that belong to a connection, such as those of a server.
   *
   * @param connectionOf the connection that an event belongs to; without one, failures are thrown as usual
   */
  watchEvents(
    emitter: EventEmitter,
    connectionOf: (event: string | symbol, args: readonly unknown[]) => PeerConnection | undefined,
  ): void {
    this.#wrap(emitter, connectionOf);
  }

  /**
   * Guards a callback that no emitter calls.
   * @returns the result of `callback`, or `otherwise` if it failed
   */
  call<T>(connection: PeerConnection, callback: () => T, otherwise: T): T {
    try {
      return this.#current.run(connection, callback);
    } catch (error) {
      this.fail(error, connection);
      return otherwise;
    }
  }

  /** Awaits work that no other code awaits. */
  detach(connection: PeerConnection, work: Promise<unknown>): void {
    work.catch((error: unknown) => this.fail(error, connection));
  }

  /**
   * Handles an uncaught error if it comes from code that a connection had started: a timer, a promise.
   *
   * @returns `false` if the error belongs to the process itself
   */
  contain(error: unknown): boolean {
    const connection = this.#current.getStore();
    if (connection === undefined) return false;
    this.fail(error, connection);
    return true;
  }

  /** Ends the connection and logs the reason. */
  fail(error: unknown, connection: PeerConnection): void {
    this.#failures += 1;
    this.#log(error);
    try {
      connection.destroy(error instanceof Error ? error : new Error(String(error)));
    } catch (unended) {
      // Nothing more can be done for this connection; its own deadlines end it.
      this.#log(unended);
    }
  }

  /** Classes of requests and responses for `createServer`, whose listeners are guarded. */
  messages(): { IncomingMessage: typeof IncomingMessage; ServerResponse: typeof ServerResponse } {
    const guard = this;
    class GuardedRequest extends IncomingMessage {
      override emit(event: string | symbol, ...args: unknown[]): boolean {
        return guard.#deliver(this, this.socket, super.emit, event, args);
      }
    }
    class GuardedResponse<Request extends IncomingMessage> extends ServerResponse<Request> {
      override emit(event: string | symbol, ...args: unknown[]): boolean {
        return guard.#deliver(this, this.req.socket, super.emit, event, args);
      }
    }
    return { IncomingMessage: GuardedRequest, ServerResponse: GuardedResponse };
  }

  #wrap(
    emitter: EventEmitter,
    connectionOf: (event: string | symbol, args: readonly unknown[]) => PeerConnection | undefined,
  ): void {
    if (this.#guarded.has(emitter)) return;
    this.#guarded.add(emitter);
    const { emit } = emitter;
    const current = this.#current;
    emitter.emit = (event: string | symbol, ...args: unknown[]): boolean => {
      const connection = connectionOf(event, args);
      if (connection === undefined) return emit.call(emitter, event, ...args);
      const deliver = (): boolean => this.#deliver(emitter, connection, emit, event, args);
      return current.getStore() === connection ? deliver() : current.run(connection, deliver);
    };
  }

  #deliver(
    emitter: EventEmitter,
    connection: PeerConnection,
    emit: EventEmitter['emit'],
    event: string | symbol,
    args: unknown[],
  ): boolean {
    if (event === 'close') return this.#deliverClose(emitter, connection, args);
    try {
      return emit.call(emitter, event, ...args);
    } catch (error) {
      this.fail(error, connection);
      return true;
    }
  }

  /** Delivers `close` to every listener, even after one that fails: listeners release the resources of the connection there. */
  #deliverClose(emitter: EventEmitter, connection: PeerConnection, args: unknown[]): boolean {
    const listeners = emitter.rawListeners('close');
    for (const listener of listeners) {
      try {
        Reflect.apply(listener, emitter, args);
      } catch (error) {
        this.fail(error, connection);
      }
    }
    return listeners.length > 0;
  }

  #log(error: unknown): void {
    const minute = Math.floor(performance.now() / 60_000);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#linesLeft = LINES_PER_MINUTE;
      if (this.#unlogged > 0)
        this.#logger.error('More connections were ended by failures than were logged', {
          count: this.#unlogged,
        });
      this.#unlogged = 0;
    }
    if (this.#linesLeft === 0) {
      this.#unlogged += 1;
      return;
    }
    this.#linesLeft -= 1;
    this.#logger.error('A callback failed, and the connection it worked for was ended', { error });
  }
}
