import { type IncomingMessage, request } from 'node:http';
import { request as secureRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import type { Carrier } from '../core/handshake.ts';
import {
  BackendNotRunningError,
  ChannelNotServedError,
  ConnectionBrokenError,
  TooManyChannelsError,
} from '../errors.ts';

const PROTOCOL = 'aico-channel/1';

/**
 * Connects to `url` and switches the connection to the channel protocol.
 *
 * @throws {BackendNotRunningError} when no backend answers there
 * @throws {TooManyChannelsError} when it is asked too often
 * @throws {ChannelNotServedError} when the server there does not open channels
 */
export function upgrade(url: URL, signal: AbortSignal): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const ask = url.protocol === 'https:' ? secureRequest : request;
    const asked = ask(url, {
      agent: false,
      signal,
      headers: { connection: 'Upgrade', upgrade: PROTOCOL },
    });
    asked.once('upgrade', (_response, socket, head) => {
      if (head.byteLength > 0) socket.unshift(head);
      resolve(socket);
    });
    asked.once('response', (response: IncomingMessage) => {
      response.destroy();
      reject(refusalOf(url, response));
    });
    asked.once('error', (error) =>
      reject(signal.aborted ? signal.reason : new BackendNotRunningError(url.host, error)),
    );
    asked.end();
  });
}

function refusalOf(url: URL, { statusCode = 0, headers }: IncomingMessage): Error {
  const seconds = Number(headers['retry-after']);
  if (statusCode === 429) return new TooManyChannelsError(Number.isFinite(seconds) ? seconds : 60);
  return new ChannelNotServedError(url.host, statusCode);
}

/** The bytes of a stream as a carrier for the handshake. */
export function carrierOf(stream: Duplex): Carrier {
  return {
    send: (bytes) => void stream.write(bytes),
    unread: (bytes) => stream.unshift(bytes),
    receive: () => nextChunk(stream),
  };
}

function nextChunk(stream: Duplex): Promise<Uint8Array | undefined> {
  return new Promise((resolve, reject) => {
    const settle = (outcome: () => void): void => {
      stream.off('readable', take);
      stream.off('end', gone);
      stream.off('close', gone);
      stream.off('error', broken);
      outcome();
    };
    const take = (): void => {
      const chunk: unknown = stream.read();
      if (chunk instanceof Uint8Array) settle(() => resolve(chunk));
    };
    const gone = (): void => settle(() => resolve(undefined));
    const broken = (error: Error): void => settle(() => reject(new ConnectionBrokenError(error)));
    stream.on('readable', take);
    stream.on('end', gone);
    stream.on('close', gone);
    stream.on('error', broken);
    if (stream.readableEnded || stream.destroyed) gone();
    else take();
  });
}
