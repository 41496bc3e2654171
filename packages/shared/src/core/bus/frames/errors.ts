import { defineError } from '@aico/protocol';

/** The message is larger than the broker accepts. */
export class MessageTooLargeError extends defineError({
  code: 'AICO_BUS_TOO_LARGE',
  hint: 'Store large content elsewhere and publish its address, or raise core.message_bus.broker.max_message_bytes.',
  make: (topic: string, bytes: number, limit: number) => ({
    message: `The message for "${topic}" has ${bytes} bytes, and the broker accepts at most ${limit}`,
    topic,
    bytes,
    limit,
  }),
}) {}

/** A peer sent a frame that is malformed or of an unknown type. */
export class BusProtocolError extends defineError({
  code: 'AICO_BUS_PROTOCOL',
  hint: 'Compare the frame with docs/bus-protocol.md, and the versions of both sides.',
  make: (reason: string) => ({ message: `The other side broke the bus protocol: ${reason}` }),
}) {}
