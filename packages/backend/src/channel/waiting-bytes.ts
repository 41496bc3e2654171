import type { WaitingBytes } from '../core/gateway.ts';

/** A channel whose connections hold bytes in memory. */
export interface WaitingSource {
  readonly deviceId: string;
  waiting(): WaitingBytes;
}

/** The most bytes that may wait in the channels of one device, and of all devices together. */
export interface WaitingLimits {
  readonly perDevice: WaitingBytes;
  readonly total: WaitingBytes;
}

const MIB = 1_048_576;

/** An answer is made before its reader takes it, so that there is more room for answers than for requests. */
export const WAITING_LIMITS: WaitingLimits = {
  perDevice: { unread: 32 * MIB, unsent: 128 * MIB },
  total: { unread: 128 * MIB, unsent: 256 * MIB },
};

/** Bytes that arrive on a channel between two checks. */
export const CHECK_EVERY_BYTES = 262_144;

/** Milliseconds between two checks, also where nothing arrives. */
export const CHECK_INTERVAL_MS = 250;

/**
 * Finds the channel to cut when too many bytes wait in memory: requests that are not read, or responses that the peer does not take.
 * Each connection has a bound of its own, and a device may open thousands of connections, so that the sum needs one as well.
 *
 * @returns the channel that holds most, of the device that is beyond its bound or of all; undefined where all is well
 */
export function overfull<Source extends WaitingSource>(
  channels: Iterable<Source>,
  { perDevice, total }: WaitingLimits = WAITING_LIMITS,
): Source | undefined {
  const sources = Array.from(channels, (channel) => ({ channel, ...channel.waiting() }));
  return (
    fullest(sources, 'unread', perDevice.unread, total.unread) ??
    fullest(sources, 'unsent', perDevice.unsent, total.unsent)
  );
}

function fullest<Source extends WaitingSource>(
  sources: readonly ({ readonly channel: Source } & WaitingBytes)[],
  kind: keyof WaitingBytes,
  perDevice: number,
  total: number,
): Source | undefined {
  const byDevice = new Map<string, number>();
  let sum = 0;
  for (const { channel, [kind]: bytes } of sources) {
    byDevice.set(channel.deviceId, (byDevice.get(channel.deviceId) ?? 0) + bytes);
    sum += bytes;
  }
  const [beyond] = [...byDevice].find(([, bytes]) => bytes > perDevice) ?? [];
  if (beyond === undefined && sum <= total) return undefined;
  let most: ({ readonly channel: Source } & WaitingBytes) | undefined;
  for (const each of sources)
    if ((beyond === undefined || each.channel.deviceId === beyond) && each[kind] > (most?.[kind] ?? -1))
      most = each;
  return most?.channel;
}
