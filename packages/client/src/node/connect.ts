import { channelUrl } from '../core/address.ts';
import type { paths } from '../core/api.ts';
import type { Credentials } from '../core/credentials.ts';
import { pairOn, preparePairing } from '../core/handshake.ts';
import { ANSWER_MS, CONNECT_MS, type ConnectOptions, type PairingOptions } from '../core/options.ts';
import { Channels, onConnection } from './channels.ts';
import { HttpTransport } from './http-transport.ts';
import { type NodeClient, nodeClient } from './node-client.ts';
import { cryptoSuite } from './suite.ts';

/**
 * Pairs this device with a backend, using a code that the backend's owner creates (`aico device pair`).
 *
 * @returns the credentials for `connect`; store them where only this device's user can read them
 * @throws {PairingCodeInvalidError} for a mistyped code
 * @throws {ChannelRefusedError} when no such code is pending, or it has no attempts left
 * @throws {BackendNotRunningError} when no backend answers at the address
 * @example const credentials = await pair({ address: 'desk.local', code: 'K7QF-2M9X-…', name: 'Phone' });
 */
export async function pair({
  address,
  connectTimeoutMs = CONNECT_MS,
  ...options
}: PairingOptions): Promise<Credentials> {
  const pairing = preparePairing(await cryptoSuite(), options);
  return onConnection(connectTimeoutMs, channelUrl(address), undefined, async (carrier, stream) => {
    try {
      return await pairOn(carrier, pairing);
    } finally {
      stream.end();
      stream.destroy();
    }
  });
}

/**
 * Connects to a backend on another machine through sealed channels. A first channel is opened before it resolves, so that
 * failures show here; more are opened as requests need them, and reused.
 *
 * @throws {BackendNotRunningError} when no backend answers at the address
 * @throws {ChannelRefusedError} when the backend does not know this device, or revoked it
 * @throws {ChannelServerKeyChangedError} when another server answers there
 * @example
 * ```ts
 * await using aico = await connect({ address: 'desk.local', credentials });
 * const notes = await aico.json('/api/v1/notes');
 * for await (const { topic, data } of aico.subscribe('inbox.>')) console.log(topic, data);
 * ```
 */
export async function connect<Paths extends object = paths>({
  timeoutMs = ANSWER_MS,
  ...options
}: ConnectOptions): Promise<NodeClient<Paths>> {
  const channels = await Channels.open(options);
  return nodeClient<Paths>({
    transport: new HttpTransport(channels.connector, timeoutMs),
    timeoutMs,
    close: () => channels.close(),
  });
}
