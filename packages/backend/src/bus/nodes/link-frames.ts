import { type ContentOf, FrameType, frameBody } from '@aico/shared/core/bus/frames';
import { Type } from 'typebox';
import type { InterestChange } from './interests.ts';

/** The first byte of the frames between nodes. Messages and their confirmation are as in docs/bus-protocol.md. */
export const LinkFrame = {
  DELIVER: FrameType.DELIVER,
  ACK: FrameType.ACK,
  BYE: FrameType.BYE,
  INTEREST: 0x40,
  TAKEN: 0x41,
  RESYNC: 0x42,
  STATUS: 0x43,
} as const;

/** Unconfirmed frames that a status lists. */
export const MOST_OPEN = 512;

const count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const change = Type.Object({
  add: Type.Boolean(),
  lane: Type.Integer({ minimum: 1, maximum: 0xffffffff }),
  pattern: Type.String({ maxLength: 1_024 }),
});

/** Announces changes of the sender's interests; with `whole` all of them, in one frame or several. */
export const interest = frameBody({
  number: count,
  whole: Type.Enum(['no', 'begins', 'goes-on', 'ends', 'only']),
  changes: Type.Array(change),
});
/** Confirms that an announcement, and all before it, are in force. */
export const taken = frameBody({ number: count });
/**
 * The number of the last announcement and of the last DELIVER frame, so that the receiver notices if it has missed one; and the number of
 * the last DELIVER frame that has arrived, with those before it that are not confirmed yet, so that no lost ACK blocks the window.
 */
export const status = frameBody({
  interest: count,
  deliver: count,
  arrived: count,
  /** Whether the sender asks for the status of the receiver, because its connection was interrupted. */
  asks: Type.Boolean(),
  open: Type.Array(count, { maxItems: MOST_OPEN }),
});

export type Interest = ContentOf<typeof interest>;

/** Characters of patterns in one frame, whose JSON must stay below the limit of a frame's body. */
const MOST_CHARACTERS = 2_048;

/** Splits changes into parts that fit into a frame each; at least one part. */
export function inParts(changes: readonly InterestChange[]): readonly (readonly InterestChange[])[] {
  const parts: InterestChange[][] = [[]];
  let characters = 0;
  for (const each of changes) {
    characters += each.pattern.length + 20;
    if (characters > MOST_CHARACTERS) {
      parts.push([]);
      characters = each.pattern.length + 20;
    }
    parts.at(-1)?.push(each);
  }
  return parts;
}
