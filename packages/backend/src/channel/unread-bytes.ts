/** What a channel holds that nobody has read. */
export interface UnreadSource {
  readonly deviceId: string;
  unread(): number;
}

/** Bytes that wait unread in the channels of one device, and of all devices. */
export const MAX_UNREAD_OF_DEVICE = 33_554_432;
export const MAX_UNREAD = 134_217_728;

/** Bytes that arrive on a channel between two looks at what waits. */
export const LOOK_EVERY = 262_144;

/** What the HTTP server holds of a request whose body is not read, besides what its connection holds. */
export const HELD_BY_REQUEST = 65_536;

/**
 * Finds the channel to cut when too much waits unread. Each connection in a channel may hold a window of 256 KiB, and a
 * device may open thousands of connections, so that the sum needs a bound of its own.
 *
 * @returns the channel with the most unread bytes, of the device that is beyond its bound or of all; undefined where all is well
 */
export function overfull<Source extends UnreadSource>(
  channels: Iterable<Source>,
  limits = { perDevice: MAX_UNREAD_OF_DEVICE, total: MAX_UNREAD },
): Source | undefined {
  const byDevice = new Map<string, number>();
  let total = 0;
  let most: { readonly channel: Source; readonly bytes: number } | undefined;
  const fullest = new Map<string, { readonly channel: Source; readonly bytes: number }>();
  for (const channel of channels) {
    const bytes = channel.unread();
    total += bytes;
    byDevice.set(channel.deviceId, (byDevice.get(channel.deviceId) ?? 0) + bytes);
    if (bytes > (fullest.get(channel.deviceId)?.bytes ?? -1))
      fullest.set(channel.deviceId, { channel, bytes });
    if (bytes > (most?.bytes ?? -1)) most = { channel, bytes };
  }
  for (const [device, bytes] of byDevice) if (bytes > limits.perDevice) return fullest.get(device)?.channel;
  return total > limits.total ? most?.channel : undefined;
}
