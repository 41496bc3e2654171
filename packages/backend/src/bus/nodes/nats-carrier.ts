import { setTimeout as sleep } from 'node:timers/promises';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import { backoffDelay, pause } from '@aico/shared/core/tasks';
import { connect, type NatsConnection, nkeyAuthenticator } from '@nats-io/transport-node';
import type { Carrier, CarrierListener, OpenCarrier } from './carrier.ts';
import type { NatsServers } from './nats-servers.ts';

const RECONNECT = { minDelayMs: 50, maxDelayMs: 2_000 };

/** Milliseconds that connecting to one server may take. */
const CONNECT_MS = 5_000;
/** Milliseconds that a flush may take. */
const FLUSH_MS = 1_000;

/** The payload that every NATS server accepts unless its administrator lowered the limit. */
const DEFAULT_PAYLOAD = 1_048_576;
/** A larger payload delays others on the same connection and brings nothing. */
const MAX_PAYLOAD = 262_144;

/** Connects to NATS, and again whenever the connection breaks. */
export function natsCarrier(servers: NatsServers, heartbeatMs: number): OpenCarrier {
  return (subjects, listener) => new NatsCarrier(servers, heartbeatMs, subjects, listener);
}

class NatsCarrier implements Carrier {
  readonly #servers: NatsServers;
  readonly #heartbeatMs: number;
  readonly #subjects: readonly string[];
  readonly #listener: CarrierListener;
  readonly #closing = new AbortController();
  #connection: NatsConnection | undefined;
  /** Whether the last event was that the connection broke, or that none could be made. */
  #isDown = true;
  #fault: string | undefined;
  readonly #ended: Promise<void>;

  constructor(
    servers: NatsServers,
    heartbeatMs: number,
    subjects: readonly string[],
    listener: CarrierListener,
  ) {
    this.#servers = servers;
    this.#heartbeatMs = heartbeatMs;
    this.#subjects = subjects;
    this.#listener = listener;
    this.#ended = this.#run();
  }

  get maxPayload(): number {
    return Math.min(MAX_PAYLOAD, this.#connection?.info?.max_payload ?? DEFAULT_PAYLOAD);
  }

  get fault(): string | undefined {
    return this.#fault;
  }

  publish(subject: string, payload: Uint8Array): void {
    if (this.#isDown) return;
    try {
      this.#connection?.publish(subject, payload);
    } catch {
      // The connection is closing, or the server lowered its limit: the receiver counts the payload as lost.
    }
  }

  async flush(): Promise<void> {
    if (this.#isDown) return;
    const flushed = this.#connection?.flush().catch(() => {});
    await Promise.race([flushed, sleep(FLUSH_MS, undefined, { ref: false })]);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#connection?.close();
    await this.#ended;
  }

  /** Connects, and stays connected until it is closed. */
  async #run(): Promise<void> {
    const { signal } = this.#closing;
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      try {
        await this.#connect();
        attempt = 0;
      } catch (error) {
        this.#down(error instanceof Error ? error.message : String(error));
      }
      await pause(backoffDelay(attempt + 1, RECONNECT), signal);
    }
  }

  /** Connects, and resolves when the connection has ended for good. */
  async #connect(): Promise<void> {
    const { servers, seed, tls, plain } = this.#servers;
    let attempt = 0;
    // The library passes the options on to `tls.connect`, but declares only some of them.
    const verified = {
      ...tls,
      checkServerIdentity: (_host: string, certificate: PeerCertificate) => this.#identityFault(certificate),
    };
    const connection = await connect({
      servers: [...servers],
      name: 'aico',
      noEcho: true,
      // Only the configured servers are trusted with a connection.
      ignoreClusterUpdates: true,
      ignoreAuthErrorAbort: true,
      maxReconnectAttempts: -1,
      timeout: CONNECT_MS,
      // The heartbeats between nodes notice a lost connection earlier; a busy server is no lost connection.
      pingInterval: this.#heartbeatMs * 2,
      maxPingOut: 3,
      reconnectDelayHandler: () => {
        attempt += 1;
        return backoffDelay(Math.min(attempt, 10), RECONNECT);
      },
      ...(seed === undefined ? {} : { authenticator: nkeyAuthenticator(seed) }),
      ...(plain ? {} : { tls: verified }),
    });
    this.#connection = connection;
    if (this.#closing.signal.aborted) {
      await connection.close();
      return;
    }
    void this.#follow(connection, () => {
      attempt = 0;
    });
    for (const subject of this.#subjects)
      connection.subscribe(subject, {
        callback: (error, message) => {
          if (error !== null) this.#fault = error.message;
          else this.#listener.onPayload(message.subject, message.data);
        },
      });
    await this.#up(connection);
    const error = await connection.closed();
    this.#down(error instanceof Error ? error.message : 'the connection was closed');
  }

  async #follow(connection: NatsConnection, connected: () => void): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type === 'disconnect') this.#down('the connection broke');
      else if (status.type === 'error') this.#fault = status.error.message;
      else if (status.type === 'reconnect') {
        connected();
        await this.#up(connection);
      }
    }
  }

  /** Reports the connection once the server has confirmed that the subscriptions are in force. */
  async #up(connection: NatsConnection): Promise<void> {
    try {
      await connection.flush();
    } catch {
      // It broke again.
      return;
    }
    if (this.#closing.signal.aborted) return;
    this.#isDown = false;
    this.#fault = undefined;
    this.#listener.onUp(this);
  }

  #down(reason: string): void {
    this.#isDown = true;
    if (!this.#closing.signal.aborted) this.#listener.onDown(reason);
  }

  /** The certificate must name one of the configured hosts. The library passes no name for a host given by its address. */
  #identityFault(certificate: PeerCertificate): Error | undefined {
    const faults = this.#servers.hosts.map((host) => checkServerIdentity(host, certificate));
    return faults.includes(undefined) ? undefined : faults[0];
  }
}
