import { AicoError } from '@aico/protocol';
import { ChannelBusyError } from '@aico/protocol/channel';
import { channelUrl } from '../core/address.ts';
import type { paths } from '../core/api.ts';
import { CHANNEL_BREAKS } from '../core/breaks.ts';
import { type Client, clientOver } from '../core/client.ts';
import type { Credentials } from '../core/credentials.ts';
import { pairOn, preparePairing } from '../core/handshake.ts';
import { ANSWER_MS, CONNECT_MS, type ConnectOptions, type PairingOptions } from '../core/options.ts';
import { ConnectionBrokenError, ReplyTimeoutError, TooManyChannelsError } from '../errors.ts';
import { Channels, onConnection } from './channels.ts';
import { fetchThrough } from './fetch-through.ts';
import { cryptoSuite } from './suite.ts';

/**
 * Makes this device known to a backend, with a code that its owner has it show (`aico device pair`).
 *
 * @returns what `connect` needs: keep it where only this device's user can read it
 * @throws {PairingCodeInvalidError} for a code with a typing mistake
 * @throws {ChannelRefusedError} when no such code waits, or it was tried too often
 * @throws {BackendNotRunningError} when nobody answers at the address
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
 * @throws {BackendNotRunningError} when nobody answers at the address
 * @throws {ChannelRefusedError} when the backend does not know this device, or not any more
 * @throws {ChannelServerKeyChangedError} when somebody else answers there: a hard stop
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
}: ConnectOptions): Promise<Client<Paths>> {
  const channels = await Channels.open(options);
  const parts = fetchThrough(channels.connector, timeoutMs);
  return clientOver<Paths>({
    ...parts,
    explain: (error) => failureOf(error, timeoutMs),
    async close() {
      channels.close();
      await parts.close();
    },
  });
}

/** Ours as it is, wherever `fetch` has hidden it; what remains is a connection that broke. */
function failureOf(error: unknown, timeoutMs: number): unknown {
  let last = error;
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    last = cause;
    if (cause instanceof ChannelBusyError) return new TooManyChannelsError(cause.retryAfterSeconds);
    if (cause instanceof AicoError && !CHANNEL_BREAKS.has(cause.code)) return cause;
    if ('code' in cause && cause.code === 'UND_ERR_HEADERS_TIMEOUT')
      return new ReplyTimeoutError(timeoutMs, error);
  }
  return last === error ? error : new ConnectionBrokenError(last);
}
