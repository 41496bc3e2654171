import { randomUUID } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { SealedStream } from '@aico/protocol/carrier';
import {
  ChannelRecordError,
  type ChannelResponder,
  type KnownOpening,
  type PairingBook,
  type PairingOpening,
  type PairingRequested,
} from '@aico/protocol/channel';
import type { Logger } from '@aico/shared/core/logging';
import type { Devices } from '../devices/devices.ts';
import { ChannelNotOpenedError } from './errors.ts';

import { FrameSource } from './frame-source.ts';
import { type InnerConnections, serveInside } from './inner-connections.ts';

/** What a pairing code was made for. */
export interface PairingContext {
  readonly roles: readonly string[];
}

export interface ChannelLimits {
  readonly handshakeMs: number;
  readonly maxChannels: number;
  readonly maxChannelsPerDevice: number;
  readonly maxConnectionsPerChannel: number;
  readonly idleMs: number;
  readonly lifetimeMs: number;
}

export interface ChannelHostOptions {
  readonly responder: ChannelResponder;
  readonly devices: Devices;
  readonly pairings: PairingBook<PairingContext>;
  readonly limits: ChannelLimits;
  /** Hears of every refusal, with its reason. */
  readonly audit: Logger;
  /** Takes a connection in a channel that is open, in the place of a socket. What it returns resolves when nothing is in flight. */
  readonly serve: (connection: Duplex, deviceId: string) => () => Promise<void>;
}

/** Milliseconds without a byte until TCP asks whether the peer is there still. */
const KEEP_ALIVE_PROBE_MS = 30_000;
/** Milliseconds for an end to be taken by the connection. */
const END_MS = 500;

interface Open {
  readonly deviceId: string;
  readonly stream: SealedStream;
  readonly inside: InnerConnections;
}

/**
 * Opens channels: the server's side of each handshake, whatever carries it. A device that is known gets a stream in the
 * place of a socket; one that pairs gets its credentials and nothing else. Everything that is not right is answered with
 * one and the same refusal.
 */
export class ChannelHost {
  readonly #options: ChannelHostOptions;
  readonly #open = new Set<Open>();
  readonly #opening = new Set<Duplex>();
  readonly #stopListening: () => void;
  #closed = false;

  constructor(options: ChannelHostOptions) {
    this.#options = options;
    this.#stopListening = options.devices.onRevoked((id) => this.#cut(id));
  }

  get size(): number {
    return this.#open.size;
  }

  /** Open channels of one device. */
  sizeOf(deviceId: string): number {
    let count = 0;
    for (const each of this.#open) if (each.deviceId === deviceId) count += 1;
    return count;
  }

  /** Opens a channel on `carrier`. Resolves when it is open, has paired, or was refused; never rejects. */
  async accept(carrier: Duplex, source: string): Promise<void> {
    const { limits, responder, audit } = this.#options;
    // Whatever becomes of a connection that is not a channel yet is no error of ours.
    const ignore = (): void => {};
    carrier.on('error', ignore);
    this.#opening.add(carrier);
    const deadline = AbortSignal.timeout(limits.handshakeMs);
    const frames = new FrameSource(carrier);
    try {
      if (this.#closed || this.#open.size + this.#opening.size > limits.maxChannels)
        throw new ChannelNotOpenedError('too many channels');
      const opening = responder.open(await frames.next(deadline));
      if (opening.kind === 'known') this.#acceptKnown(carrier, frames, opening);
      else await this.#pair(carrier, frames, opening, deadline);
    } catch (error) {
      audit.warn('Channel refused', {
        source,
        reason: error instanceof ChannelNotOpenedError ? error.reason : reasonOf(error),
      });
      refuse(carrier, responder.refusal);
    } finally {
      this.#opening.delete(carrier);
    }
  }

  /** Ends every channel once nothing is in flight on it; at `deadline` it cuts what is left. */
  async close(deadline: AbortSignal): Promise<void> {
    this.#closed = true;
    this.#stopListening();
    for (const carrier of this.#opening) carrier.destroy();
    const late = new Promise<void>((resolve) => {
      if (deadline.aborted) resolve();
      else deadline.addEventListener('abort', () => resolve(), { once: true });
    });
    await Promise.all(
      [...this.#open].map(async (open) => {
        await Promise.race([open.inside.whenIdle(), late]);
        endThenCut(open);
      }),
    );
  }

  /** For whoever looks; nobody has to handle it. A device that just goes is no news: lids close, networks change. */
  #noteBreak(device: string, error: unknown): void {
    const { audit } = this.#options;
    const reason = reasonOf(error);
    if (error instanceof ChannelRecordError)
      audit.warn('Channel broken off: its bytes were altered', { device, reason });
    else audit.debug('Channel cut', { device, reason });
  }

  #acceptKnown(carrier: Duplex, frames: FrameSource, opening: KnownOpening): void {
    const { devices, limits, serve } = this.#options;
    const held = devices.byPublicKey(opening.deviceKey);
    if (held === undefined) throw new ChannelNotOpenedError('no such device');
    const { id } = held.device;
    if (this.sizeOf(id) >= limits.maxChannelsPerDevice) throw new ChannelNotOpenedError('too many channels');
    const { reply, session } = opening.accept(held.keys.psk);
    carrier.write(reply);
    frames.release();
    const stream = new SealedStream(carrier, session);
    // Each connection has its own times: between requests; while one is in flight it may take its time.
    const inside = serveInside(
      stream,
      { maxConnections: limits.maxConnectionsPerChannel, idleMs: limits.idleMs },
      (connection) => serve(connection, id),
    );
    const open: Open = { deviceId: id, stream, inside };
    this.#open.add(open);
    // Not before a record of its own came: the first message may be a replay of somebody else's.
    stream.once('confirmed', () => void devices.noteSeen(id).catch(() => undefined));
    stream.on('timeout', () => endThenCut(open));
    // Only so is a peer noticed that has gone while a request is in flight.
    stream.setKeepAlive(true, KEEP_ALIVE_PROBE_MS);
    const lifetime = setTimeout(() => endIfIdle(open), limits.lifetimeMs);
    lifetime.unref();
    stream.once('close', () => {
      clearTimeout(lifetime);
      this.#open.delete(open);
    });
    stream.on('error', (error) => this.#noteBreak(id, error));
  }

  async #pair(
    carrier: Duplex,
    frames: FrameSource,
    opening: PairingOpening,
    deadline: AbortSignal,
  ): Promise<void> {
    const { pairings } = this.#options;
    if (!pairings.has(opening.codeId)) throw new ChannelNotOpenedError('no such pairing code');
    carrier.write(opening.reply());
    const message = await frames.next(deadline);
    const psk = pairings.attempt(opening.codeId);
    if (psk === undefined) throw new ChannelNotOpenedError('the pairing code is tried out');
    const requested = opening.receive(message, psk);
    const code = pairings.complete(opening.codeId);
    if (code === undefined) throw new ChannelNotOpenedError('no such pairing code');
    frames.release();
    await this.#enrol(carrier, requested, code.context.roles, deadline);
  }

  /** Keeps the new device, tells it so, and forgets it again when it does not say that it has heard. */
  async #enrol(
    carrier: Duplex,
    { deviceKey, request, session, grant }: PairingRequested,
    roles: readonly string[],
    deadline: AbortSignal,
  ): Promise<void> {
    const { devices } = this.#options;
    if (devices.byPublicKey(deviceKey) !== undefined) throw new ChannelNotOpenedError('already paired');
    const id = randomUUID();
    const { name } = request;
    const { message, psk } = grant({ deviceId: id, name, roles });
    await devices.add({ id, name, roles, publicKey: deviceKey, psk });
    carrier.write(message);
    carrier.write(session.end());
    try {
      await ended(
        carrier,
        (chunk) => session.push(chunk, () => undefined),
        deadline,
        () => session.peerEnded,
      );
      carrier.end(() => carrier.destroy());
    } catch (error) {
      await devices.revoke(id);
      throw new ChannelNotOpenedError('the grant was not acknowledged', error);
    }
  }

  #cut(deviceId: string): void {
    for (const { deviceId: id, stream } of this.#open) if (id === deviceId) stream.destroy();
  }
}

/** Reads until `isOver`, within the deadline. */
async function ended(
  carrier: Duplex,
  push: (chunk: Uint8Array) => void,
  deadline: AbortSignal,
  isOver: () => boolean,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const settle = (outcome: () => void): void => {
      carrier.off('data', take);
      carrier.off('close', gone);
      deadline.removeEventListener('abort', gone);
      outcome();
    };
    const gone = (): void => settle(() => reject(new Error('it has gone, or was too slow')));
    const take = (chunk: Uint8Array): void => {
      try {
        push(chunk);
        if (isOver()) settle(resolve);
      } catch (error) {
        settle(() => reject(error));
      }
    };
    carrier.on('data', take);
    carrier.on('close', gone);
    deadline.addEventListener('abort', gone, { once: true });
    if (deadline.aborted) gone();
  });
}

/** Says its end, so that the peer knows that nothing is missing; then lets go, whatever the peer does. */
function endThenCut({ stream, inside }: Open): void {
  stream.once('finish', () => stream.destroy());
  inside.end();
  const timer = setTimeout(() => stream.destroy(), END_MS);
  stream.once('close', () => clearTimeout(timer));
}

/** An answer in flight must not look whole: it is cut, where it has not come to its end in a moment. */
function endIfIdle(open: Open): void {
  const { stream, inside } = open;
  const timer = setTimeout(() => stream.destroy(), END_MS);
  stream.once('close', () => clearTimeout(timer));
  void inside.whenIdle().then(() => endThenCut(open));
}

function refuse(carrier: Duplex, refusal: Uint8Array): void {
  if (!carrier.writable) {
    carrier.destroy();
    return;
  }
  carrier.once('finish', () => carrier.destroy());
  carrier.end(refusal);
}

function reasonOf(error: unknown): string {
  if (error instanceof Error && 'fault' in error) return String(error.fault);
  return error instanceof Error ? error.message : String(error);
}
