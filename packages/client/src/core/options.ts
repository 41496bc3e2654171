import type { Credentials } from './credentials.ts';
import type { PairOptions } from './handshake.ts';

/** Milliseconds until a channel must be open, unless told. */
export const CONNECT_MS = 10_000;
/** Milliseconds of silence until the backend is asked whether it is there, unless told. */
export const SILENCE_MS = 5_000;
/** Milliseconds until an answer must have begun, unless told. */
export const ANSWER_MS = 120_000;

/** Connections at once, of which a request and a subscription each take one; who comes later waits. */
export const CONNECTIONS = 128;
/** Connections in one channel; a backend takes 64 unless configured. */
export const CONNECTIONS_PER_CHANNEL = 32;

export interface ChannelOptions {
  /** Where the backend listens: `desk.local`, `192.168.1.7:8771`, or `https://…` behind a proxy that ends TLS. */
  readonly address: string;
  /** The credentials that `pair` returned. */
  readonly credentials: Credentials;
  /** Milliseconds until a channel must be open. Default 10 000. */
  readonly connectTimeoutMs?: number;
  /**
   * Milliseconds of silence after which the backend is sent a ping while a request is open. It has four times as long to send
   * anything; then the channel is cut, and what was asked for in it fails. Default 5 000.
   */
  readonly silenceMs?: number;
}

export interface ConnectOptions extends ChannelOptions {
  /** Milliseconds until an answer must have begun. Default 120 000. */
  readonly timeoutMs?: number;
}

export interface PairingOptions extends PairOptions {
  readonly address: string;
  /** Milliseconds until it must be done. Default 10 000. */
  readonly connectTimeoutMs?: number;
}
