import type { Credentials } from './credentials.ts';
import type { PairOptions } from './handshake.ts';

/** The default of `connectTimeoutMs`. */
export const CONNECT_MS = 10_000;
/** The default of `silenceMs`. */
export const SILENCE_MS = 5_000;
/** The default of `timeoutMs`. */
export const ANSWER_MS = 120_000;

/** The most concurrent connections. Each request and each subscription uses one; further ones wait. */
export const CONNECTIONS = 128;
/** Connections per channel; a backend accepts 64 by default. */
export const CONNECTIONS_PER_CHANNEL = 32;

/** How a channel to a backend is opened and kept. */
export interface ChannelOptions {
  /** The address of the backend: `desk.local`, `192.168.1.7:8771`, or `https://…` behind a proxy that terminates TLS. */
  readonly address: string;
  /** The credentials that `pair` returned. */
  readonly credentials: Credentials;
  /** Milliseconds until a channel must be open. Default 10 000. */
  readonly connectTimeoutMs?: number;
  /**
   * Milliseconds of silence after which a ping is sent while a request is open. If nothing arrives in four times that, the
   * channel is closed and its requests fail. Default 5 000.
   */
  readonly silenceMs?: number;
}

/** How a paired device connects. */
export interface ConnectOptions extends ChannelOptions {
  /** Milliseconds until an answer must begin. Default 120 000. */
  readonly timeoutMs?: number;
}

/** How a new device is paired over the network. */
export interface PairingOptions extends PairOptions {
  readonly address: string;
  /** Milliseconds until the pairing must be complete. Default 10 000. */
  readonly connectTimeoutMs?: number;
}
