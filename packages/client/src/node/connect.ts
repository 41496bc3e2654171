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
 * Makes this device known to a backend, with a code that its owner has it show (`aico device pair`).
 *
 * @returns what `connect` needs: keep it where only this device's user can read it
 * @throws {PairingCodeInvalidError} for a code with a typing mistake
 * @throws {ChannelRefusedError} when no such code waits, or it was tried too often
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
 * Reaches a backend on another machine, through sealed channels. A first one is opened before it resolves, so that what
 * is wrong shows here; more are opened as requests need them, and reused.
 *
 * @throws {BackendNotRunningError} when no backend answers at the address
 * @throws {ChannelRefusedError} when the backend does not know this device, or not any more
 * @throws {ChannelServerKeyChangedError} when another server answers there: a hard stop
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
