import { isUtf8 } from 'node:buffer';
import { parseJson } from '@aico/protocol';
import { type Static, type TSchema, Type } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';

/** The version of the protocol, which docs/bus-protocol.md describes. */
export const PROTOCOL_VERSION = 1;

/** The first byte of every frame. */
export const FrameType = {
  HELLO: 0x01,
  CHALLENGE: 0x02,
  PROOF: 0x03,
  WELCOME: 0x04,
  PUBLISH: 0x10,
  DELIVER: 0x11,
  ACK: 0x12,
  REFUSED: 0x13,
  SUBSCRIBE: 0x20,
  SUBSCRIBED: 0x21,
  UNSUBSCRIBE: 0x22,
  UNSUBSCRIBED: 0x23,
  DROPPED: 0x24,
  PING: 0x30,
  PONG: 0x31,
  BYE: 0x3f,
} as const;

/** The length of a ZeroMQ routing id in hexadecimal digits (ASCII). It is random for each connection. */
export const ROUTING_ID_LENGTH = 32;

const hex = (bytes: number) => Type.String({ pattern: `^[0-9a-f]{${bytes * 2}}$` });
const name = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$' });
const count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const id = Type.Integer({ minimum: 1, maximum: 0xffffffff });
const text = Type.String({ maxLength: 1_024 });

/** The maximum size of JSON in a frame. It is more than any frame needs, and cheap to parse for a peer not yet authenticated. */
const MAX_JSON_BYTES = 16_384;

const overflowPolicy = Type.Enum(['wait', 'drop-newest', 'drop-oldest']);

/** The frames with a JSON body. Unknown members are ignored, so that later versions can add some. */
export const hello = frameBody({
  versions: Type.Array(Type.Integer(), { minItems: 1, maxItems: 16 }),
  component: name,
  /** Identifies the client among the connected clients of its component. */
  client: hex(8),
  /** Bytes of DELIVER frames that may be in flight to the client. */
  window: Type.Integer({ minimum: 4_096, maximum: 16_777_216 }),
});
export const challenge = frameBody({ version: Type.Integer(), nonce: hex(32) });
export const proof = frameBody({ proof: hex(32) });
export const welcome = frameBody({
  version: Type.Integer(),
  /** Milliseconds. A peer that sends nothing for three times as long counts as disconnected. */
  heartbeat: Type.Integer({ minimum: 10 }),
  /** Bytes of PUBLISH frames that may be in flight to the broker. */
  window: Type.Integer({ minimum: 4_096 }),
  /** The largest frame, in bytes. */
  frame: Type.Integer({ minimum: 4_096 }),
  /** The prefix of the topics on which answers to this client arrive. The client may subscribe to all topics below it. */
  reply: text,
});
export const refused = frameBody({ frame: id, batch: count, code: text, reason: text });
export const subscribe = frameBody({
  id,
  pattern: text,
  limit: Type.Integer({ minimum: 1, maximum: 1_048_576 }),
  overflow: overflowPolicy,
});
export const subscribed = frameBody({ id, code: Type.Optional(text), reason: Type.Optional(text) });
export const unsubscribe = frameBody({ id });
export const unsubscribed = frameBody({ id });
export const dropped = frameBody({ id, dropped: count });
export const bye = frameBody({ code: text, reason: text });

export type Hello = ContentOf<typeof hello>;
export type Welcome = ContentOf<typeof welcome>;
export type Refused = ContentOf<typeof refused>;
export type OverflowPolicy = Static<typeof overflowPolicy>;

/** Reads and writes the JSON body of one type of frame. */
export interface FrameBody<T> {
  /** Returns `undefined` when the body does not match the schema. */
  read(frame: Uint8Array): T | undefined;
  write(type: number, content: T): Buffer;
}

/** The content of a declared body. */
export type ContentOf<B> = B extends FrameBody<infer T> ? T : never;

/** Declares the JSON body of a frame. */
export function frameBody<P extends Record<string, TSchema>>(
  properties: P,
): FrameBody<Static<ReturnType<typeof Type.Object<P>>>> {
  const schema = Type.Object(properties);
  let compiled: Validator | undefined;
  return {
    read(frame) {
      compiled ??= Compile(schema);
      const content = parse(frame);
      return compiled.Check(content) ? (content as Static<typeof schema>) : undefined;
    },
    write(type, content) {
      const json = JSON.stringify(content);
      const frame = Buffer.allocUnsafe(1 + Buffer.byteLength(json));
      frame[0] = type;
      frame.write(json, 1);
      return frame;
    },
  };
}

function parse(frame: Uint8Array): unknown {
  const text = Buffer.from(frame.buffer, frame.byteOffset + 1, frame.byteLength - 1);
  if (text.length > MAX_JSON_BYTES || !isUtf8(text)) return undefined;
  try {
    return parseJson(text.toString());
  } catch {
    // The schema refuses `undefined`.
    return undefined;
  }
}

/** Writes an ACK frame. The broker confirms all frames up to the last number to a publisher; a client confirms exactly these. */
export function writeAck(numbers: readonly number[]): Buffer {
  const frame = Buffer.allocUnsafe(1 + numbers.length * 4);
  frame[0] = FrameType.ACK;
  for (const [index, number] of numbers.entries()) frame.writeUInt32BE(number, 1 + index * 4);
  return frame;
}

/** The numbers in an ACK frame; none when the frame is malformed. */
export function readAck(frame: Buffer): readonly number[] {
  const length = (frame.length - 1) / 4;
  if (!Number.isInteger(length)) return [];
  return Array.from({ length }, (_, index) => frame.readUInt32BE(1 + index * 4));
}

/** The number of a data frame; `undefined` when the frame is too short. */
export function readNumber(frame: Buffer): number | undefined {
  return frame.length < 5 ? undefined : frame.readUInt32BE(1);
}
