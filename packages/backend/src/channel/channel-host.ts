import { randomUUID } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { reasonOf } from '@aico/protocol';
import { SealedStream } from '@aico/protocol/carrier';
import {
  busyFrame,
  ChannelRecordError,
  type ChannelResponder,
  type KnownOpening,
  type PairingBook,
  type PairingOpening,
  type PairingRequested,
} from '@aico/protocol/channel';
import type { Logger } from '@aico/shared/core/logging';
import type { UnprovenConnection, WaitingBytes } from '../core/gateway.ts';
import type { PeerGuard } from '../core/peer-guard.ts';
import type { Devices } from '../devices/devices.ts';
import { closeWith } from './close-with.ts';
import { ChannelNotOpenedError } from './errors.ts';
import { FrameSource } from './frame-source.ts';
import { type InnerConnections, serveInside } from './inner-connections.ts';
import { CHECK_INTERVAL_MS, overfull, type WaitingSource } from './waiting-bytes.ts';

/** The roles that a pairing code grants. */
export interface PairingContext {
  readonly roles: readonly string[];
}

interface ChannelLimits {
  readonly handshakeMs: number;
  readonly maxChannels: number;
  readonly maxChannelsPerDevice: number;
  readonly maxConnectionsPerChannel: number;
  readonly idleMs: number;
  readonly lifetimeMs: number;
}

interface ChannelHostOptions {
  readonly responder: ChannelResponder;
  readonly devices: Devices;
  readonly guard: PeerGuard;
  readonly pairings: PairingBook<PairingContext>;
  readonly limits: ChannelLimits;
  /** Logs every refusal with its reason. */
  readonly logger: Logger;
  /** Called when a pairing code was not proven: the connection guesses at a code that exists. */
  readonly onPairingRefused: (source: string) => void | Promise<void>;
  /**
   * Serves a connection of an open channel, in place of a socket. The returned function resolves when no request is in flight.
   */
  readonly serve: (connection: Duplex, deviceId: string) => () => Promise<void>;
  /** The bytes of such a connection that are buffered in memory. */
  readonly waitingOn: (connection: Duplex) => WaitingBytes;
}

/** Milliseconds of silence after which TCP probes the peer. */
const KEEP_ALIVE_PROBE_MS = 30_000;
/** Milliseconds until an end record must have been written. */
const END_MS = 500;

/** A connection that is not proven yet. */
interface Attempt {
  readonly carrier: Duplex;
  readonly frames: FrameSource;
  readonly unproven: UnprovenConnection;
  /**
   * Aborted with a {@link ChannelNotOpenedError} at the deadline, when the connection has to make room, or when the backend
   * stops.
   */
  readonly signal: AbortSignal;
}

interface Open extends WaitingSource {
  readonly stream: SealedStream;
  readonly inside: InnerConnections;
}

/**
 * The server's side of each handshake, on any carrier. A paired device gets a stream, in place of a socket, once its first
 * record has been opened. Until then its channel does not count towards the limits of the device, since the first message
 * can be replayed by anyone who recorded it. A device that pairs gets its credentials and nothing else. Every failure is
 * answered with the same refusal; a limit that is exceeded is answered with a busy frame.
 */
export class ChannelHost {
  readonly #options: ChannelHostOptions;
  readonly #open = new Set<Open>();
  readonly #opening = new Set<AbortController>();
  readonly #stopListening: () => void;
  #closed = false;
  /** Runs while channels are open. */
  #checking: NodeJS.Timeout | undefined;

  constructor(options: ChannelHostOptions) {
    this.#options = options;
    this.#stopListening = options.devices.onRevoked((id) => this.#cut(id));
  }

  get size(): number {
    return this.#open.size;
  }

  /** The number of open channels of one device. */
  sizeOf(deviceId: string): number {
    let count = 0;
    for (const each of this.#open) if (each.deviceId === deviceId) count += 1;
    return count;
  }

  /** Opens a channel on `carrier`. Resolves when it is open, has paired, or was refused; never rejects. */
  async accept(carrier: Duplex, unproven: UnprovenConnection): Promise<void> {
    const { limits, responder, logger } = this.#options;
    this.#options.guard.watch(carrier);
    // Errors of a connection without a channel are not reported.
    carrier.on('error', () => {});
    const given = new AbortController();
    const late = setTimeout(() => given.abort(new ChannelNotOpenedError('too late')), limits.handshakeMs);
    late.unref();
    unproven.onTurnedAway(() => given.abort(new ChannelNotOpenedError('too many unproven connections')));
    this.#opening.add(given);
    const attempt = { carrier, frames: new FrameSource(carrier), unproven, signal: given.signal };
    try {
      if (this.#closed) throw new ChannelNotOpenedError('the backend stops');
      const opening = responder.open(await attempt.frames.next(attempt.signal));
      if (opening.kind === 'known') await this.#acceptKnown(attempt, opening);
      else await this.#pair(attempt, opening);
    } catch (error) {
      const refused = error instanceof ChannelNotOpenedError ? error : undefined;
      logger.warn('Channel refused', { source: unproven.source, reason: refused?.reason ?? faultOf(error) });
      const seconds = refused?.retryAfterSeconds;
      closeWith(carrier, seconds === undefined ? responder.refusal : busyFrame(seconds));
    } finally {
      clearTimeout(late);
      this.#opening.delete(given);
    }
  }

  /**
   * Ends every channel as soon as nothing is in flight on it. At `deadline` it cuts the others without an end record, so that a
   * partial response is not taken for a complete one.
   */
  async close(deadline: AbortSignal): Promise<void> {
    this.#closed = true;
    this.#stopListening();
    for (const given of this.#opening) given.abort(new ChannelNotOpenedError('the backend stops'));
    const late = new Promise<false>((resolve) => {
      if (deadline.aborted) resolve(false);
      else deadline.addEventListener('abort', () => resolve(false), { once: true });
    });
    await Promise.all(
      [...this.#open].map(async (open) => {
        const isIdle = await Promise.race([open.inside.whenIdle().then(() => true), late]);
        if (isIdle) endThenCut(open);
        else open.stream.destroy();
      }),
    );
  }

  /** A disconnection is logged at debug level only: laptops are closed, networks change. */
  #noteBreak(device: string, error: unknown): void {
    const { logger } = this.#options;
    const reason = faultOf(error);
    if (error instanceof ChannelRecordError)
      logger.warn('Channel broken off: its bytes were altered', { device, reason });
    else logger.debug('Channel cut', { device, reason });
  }

  async #acceptKnown(
    { carrier, frames, unproven, signal }: Attempt,
    { deviceKey, openingId, accept }: KnownOpening,
  ): Promise<void> {
    const { devices, guard, limits } = this.#options;
    const known = devices.byPublicKey(deviceKey);
    if (known === undefined) throw new ChannelNotOpenedError('no such device');
    const { id } = known.device;
    if (!devices.noteOpening(id, openingId)) throw new ChannelNotOpenedError('the first message is a replay');
    const { reply, session } = accept(known.keys.psk);
    carrier.write(reply);
    frames.release();
    const stream = guard.watch(new SealedStream(carrier, session));
    stream.on('error', (error) => this.#noteBreak(id, error));
    await confirmed(stream, signal);
    // The device may have disconnected after its first record.
    if (stream.destroyed) return;
    if (this.#open.size >= limits.maxChannels || this.sizeOf(id) >= limits.maxChannelsPerDevice)
      throw new ChannelNotOpenedError('too many channels');
    // The device may have been revoked meanwhile.
    if (devices.byPublicKey(deviceKey) === undefined) throw new ChannelNotOpenedError('no such device');
    unproven.leave();
    void devices.noteSeen(id, openingId).catch(() => undefined);
    this.#serve(id, stream);
  }

  #serve(id: string, stream: SealedStream): void {
    const { guard, limits, serve, waitingOn } = this.#options;
    // A connection is ended when it is idle between requests; a request in flight has no deadline here.
    const inside = serveInside(
      stream,
      guard,
      { maxConnections: limits.maxConnectionsPerChannel, idleMs: limits.idleMs },
      { serve: (connection) => serve(connection, id), waitingOn },
      () => this.#boundWaiting(),
    );
    const open: Open = { deviceId: id, stream, inside, waiting: () => inside.waiting() };
    this.#open.add(open);
    this.#checkAtIntervals();
    // This timeout covers the time before the first request; then the server removes it.
    stream.on('timeout', () => endThenCut(open));
    // Otherwise a peer that vanishes while a request is in flight would never be detected.
    stream.setKeepAlive(true, KEEP_ALIVE_PROBE_MS);
    const lifetime = setTimeout(() => endIfIdle(open), limits.lifetimeMs);
    lifetime.unref();
    stream.once('close', () => {
      clearTimeout(lifetime);
      this.#open.delete(open);
    });
  }

  #boundWaiting(): void {
    const open = overfull(this.#open);
    if (open === undefined) return;
    this.#options.logger.warn('Channel cut: too many bytes of its device wait in memory', {
      device: open.deviceId,
      ...open.waiting(),
    });
    open.stream.destroy();
  }

  /** Responses accumulate in memory without bytes arriving, so the limit has to be checked at intervals as well. */
  #checkAtIntervals(): void {
    this.#checking ??= setInterval(() => {
      this.#boundWaiting();
      if (this.#open.size > 0) return;
      clearInterval(this.#checking);
      this.#checking = undefined;
    }, CHECK_INTERVAL_MS).unref();
  }

  async #pair({ carrier, frames, unproven, signal }: Attempt, opening: PairingOpening): Promise<void> {
    const { pairings } = this.#options;
    if (!pairings.has(opening.codeId)) throw new ChannelNotOpenedError('no such pairing code');
    carrier.write(opening.reply());
    const message = await frames.next(signal);
    const psk = pairings.attempt(opening.codeId);
    if (psk === undefined) throw new ChannelNotOpenedError('the pairing code is tried out');
    let requested: PairingRequested;
    try {
      requested = opening.receive(message, psk);
    } catch (error) {
      await this.#options.onPairingRefused(unproven.source);
      throw error;
    }
    const code = pairings.complete(opening.codeId);
    if (code === undefined) throw new ChannelNotOpenedError('no such pairing code');
    frames.release();
    unproven.leave();
    await this.#enrol(carrier, requested, { roles: code.context.roles, source: unproven.source }, signal);
  }

  /** Stores the new device and sends it the grant; removes it again if the grant is not acknowledged. */
  async #enrol(
    carrier: Duplex,
    { deviceKey, request, session, grant }: PairingRequested,
    { roles, source }: PairingContext & { readonly source: string },
    signal: AbortSignal,
  ): Promise<void> {
    const { devices } = this.#options;
    if (devices.byPublicKey(deviceKey) !== undefined) throw new ChannelNotOpenedError('already paired');
    const id = randomUUID();
    const { name } = request;
    const { message, psk } = grant({ deviceId: id, name, roles });
    await devices.add({ id, name, roles, publicKey: deviceKey, psk, source });
    carrier.write(message);
    try {
      await ended(
        carrier,
        (chunk) => session.push(chunk, () => undefined),
        signal,
        () => session.peerEnded,
      );
      // The device takes this end record as the proof that it has been stored.
      closeWith(carrier, session.end());
    } catch (error) {
      await devices.revoke(id);
      throw new ChannelNotOpenedError('the grant was not acknowledged', error);
    }
  }

  #cut(deviceId: string): void {
    for (const { deviceId: id, stream } of this.#open) if (id === deviceId) stream.destroy();
  }
}

/**
 * Resolves once the first record of the peer has been opened.
 * @throws {ChannelNotOpenedError} when none arrives, or when the signal is aborted
 */
async function confirmed(stream: SealedStream, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const settle = (outcome: () => void) => (): void => {
      stream.off('confirmed', open);
      stream.off('close', gone);
      signal.removeEventListener('abort', stop);
      outcome();
    };
    const open = settle(resolve);
    const gone = settle(() => reject(new ChannelNotOpenedError('no record has opened')));
    const stop = settle(() => reject(signal.reason));
    stream.once('confirmed', open);
    stream.once('close', gone);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
  });
}

/** Reads until `isOver` returns true, or until `signal` is aborted. */
async function ended(
  carrier: Duplex,
  push: (chunk: Uint8Array) => void,
  signal: AbortSignal,
  isOver: () => boolean,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const settle = (outcome: () => void): void => {
      carrier.off('data', take);
      carrier.off('close', gone);
      signal.removeEventListener('abort', gone);
      outcome();
    };
    const gone = (): void => settle(() => reject(new Error('the device disconnected or was too slow')));
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
    signal.addEventListener('abort', gone, { once: true });
    if (signal.aborted) gone();
  });
}

/** Sends the end record, so that the peer knows that nothing is missing, and closes after a short delay in any case. */
function endThenCut({ stream, inside }: Open): void {
  stream.once('finish', () => stream.destroy());
  inside.end();
  const timer = setTimeout(() => stream.destroy(), END_MS);
  stream.once('close', () => clearTimeout(timer));
}

/**
 * Ends a channel at once if it is idle. Otherwise it is cut after a short delay, since a response in flight must not look
 * complete.
 */
function endIfIdle(open: Open): void {
  const { stream, inside } = open;
  const timer = setTimeout(() => stream.destroy(), END_MS);
  stream.once('close', () => clearTimeout(timer));
  void inside.whenIdle().then(() => endThenCut(open));
}

function faultOf(error: unknown): string {
  if (error instanceof Error && 'fault' in error) return String(error.fault);
  return reasonOf(error);
}
