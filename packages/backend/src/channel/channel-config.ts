import type { SectionDefinition } from '@aico/shared/core/config';
import { Type } from 'typebox';

const Milliseconds = (value: number, description: string) =>
  Type.Integer({ default: value, minimum: 1, maximum: 2 ** 31 - 1, description });
const Count = (value: number, description: string) =>
  Type.Integer({ default: value, minimum: 1, maximum: 1_000_000, description });

/** `core.channel` */
export const channelSection = {
  path: 'core.channel',
  schema: Type.Object({
    handshake_ms: Milliseconds(
      5_000,
      'How long a connection may take until it has proved which device it belongs to.',
    ),
    handshakes_per_minute: Count(
      120,
      'Handshakes from one address, or one /64 network of IPv6; beyond that a device gets the time of its next attempt.',
    ),
    handshake_burst: Count(40, 'Handshakes from one address or network at once.'),
    max_unproven: Count(
      256,
      'Connections to the public port that have not proved which device they belong to; beyond that the longest waiting makes room.',
    ),
    max_unproven_per_source: Count(32, 'The same, from one address or one /64 network of IPv6.'),
    max_channels: Count(256, 'Open channels of devices that have proved themselves, in all.'),
    max_channels_per_device: Count(32, 'Open channels of one device.'),
    max_connections_per_channel: Count(64, 'Connections that one channel carries at once.'),
    idle_ms: Milliseconds(120_000, 'A channel is closed when it has rested so long between two requests.'),
    lifetime_ms: Milliseconds(86_400_000, 'A channel is closed after so long, whatever it does.'),
    pairing_ms: Milliseconds(300_000, 'How long a pairing code may be used.'),
    pairing_attempts: Count(5, 'How many handshakes may try one pairing code.'),
  }),
} satisfies SectionDefinition;
