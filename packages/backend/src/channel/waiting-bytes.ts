import type { WaitingBytes } from '../core/gateway.ts';

/** A channel whose connections hold bytes in memory. */
export interface WaitingSource {
  readonly deviceId: string;
  waiting(): WaitingBytes;
}

/** The most bytes that may wait in the channels of one device, and of all devices together. */
interface WaitingLimits {
  readonly perDevice: WaitingBytes;
  readonly total: WaitingBytes;
}

const MIB = 1_048_576;

/** Responses have a higher limit than requests, since a response is produced before its reader takes it. */
const WAITING_LIMITS: WaitingLimits = {
  perDevice: { unread: 32 * MIB, unsent: 128 * MIB },
  total: { unread: 128 * MIB, unsent: 256 * MIB },
};

/** Bytes that arrive on a channel between two checks. */
export const CHECK_EVERY_BYTES = 262_144;

/** Milliseconds between two checks while nothing arrives. */
export const CHECK_INTERVAL_MS = 250;

/**
 * Finds the channel to cut when too many bytes are buffered: unread requests, or responses that the peer does not read. Each
 * connection has a limit, but a device may open thousands of connections, so the sum needs one as well.
 *
 * @returns the channel with most bytes, of the device above its limit or of all; undefined if no limit is exceeded
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
