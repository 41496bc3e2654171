import type { StreamState } from '@aico/protocol/carrier/multiplexing';
import { ChannelTruncatedError } from '@aico/protocol/channel';
import { ConnectionBrokenError } from '../errors.ts';
import type { ByteConnection } from './byte-connection.ts';

/** The parts of a channel that its connections use. */
export interface ConnectionOwner {
  readonly isOpen: boolean;
  /** Calls back once the frames being gathered have been written. */
  whenWritten(written: () => void): void;
}

interface Waiting<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}

/**
 * One of several connections in a channel (docs/sealed-channel.md, "Several connections"). Unread data beyond a window of 256
 * KiB stays with the backend.
 */
export class ChannelConnection implements ByteConnection {
  readonly #owner: ConnectionOwner;
  readonly #state: StreamState;
  readonly #arrived: Uint8Array[] = [];
  #unread = 0;
  #reader: Waiting<Uint8Array | undefined> | undefined;
  #writer: Waiting<void> | undefined;
  #failure: Error | undefined;

  constructor(owner: ConnectionOwner, state: StreamState) {
    this.#owner = owner;
    this.#state = state;
    state.listener = {
      onData: (bytes) => this.#deliver(bytes),
      onEnd: () => this.#ended(),
      onReset: (error) => this.#failed(error ?? new ChannelTruncatedError()),
      onSent: (isAll) => {
        if (isAll) owner.whenWritten(() => this.#written());
      },
      onEndSent: () => {},
    };
  }

  get isOpen(): boolean {
    return !this.#state.isOver && !this.#state.peerEnded && this.#owner.isOpen;
  }

  /**
   * Discards the bytes once the backend has ended its side.
   * @throws {ConnectionBrokenError} when it is closed
   */
  write(bytes: Uint8Array): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#state.peerEnded || bytes.byteLength === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#writer = { resolve, reject };
      this.#state.write([bytes], bytes.byteLength);
    });
  }

  /**
   * Resolves with the next bytes, or `undefined` once the backend has ended its side.
   * @throws {ChannelTruncatedError} when the connection was reset before
   */
  read(): Promise<Uint8Array | undefined> {
    const bytes = this.#arrived.shift();
    if (bytes !== undefined) {
      this.#unread -= bytes.byteLength;
      this.#state.updateWindow(this.#unread);
      return Promise.resolve(bytes);
    }
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#state.peerEnded) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
    });
  }

  unread(bytes: Uint8Array): void {
    this.#unread += bytes.byteLength;
    this.#arrived.unshift(bytes);
  }

  close(): void {
    this.fail(new ConnectionBrokenError(new Error('it is closed')));
  }

  fail(error: Error): void {
    this.#state.close();
    this.#failed(error);
  }

  #deliver(bytes: Uint8Array): void {
    const reader = this.#reader;
    this.#reader = undefined;
    if (reader === undefined) {
      this.#unread += bytes.byteLength;
      this.#arrived.push(bytes);
    } else {
      this.#state.updateWindow(this.#unread);
      reader.resolve(bytes);
    }
  }

  /** Handles the backend's end. A response is the last of a connection, so this side ends too and discards unsent bytes. */
  #ended(): void {
    this.#state.finish();
    this.#reader?.resolve(undefined);
    this.#writer?.resolve();
  }

  #written(): void {
    const writer = this.#writer;
    this.#writer = undefined;
    writer?.resolve();
  }

  #failed(error: Error): void {
    this.#failure ??= error;
    this.#reader?.reject(error);
    this.#writer?.reject(error);
  }
}
