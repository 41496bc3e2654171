import type { LinkKeys } from './node-keys.ts';
import { TAG_BYTES } from './node-keys.ts';

/** The first byte of a payload. */
export const Kind = { HELLO: 1, OFFER: 2, RECORD: 3 } as const;

/** Kind and sequence number, in the clear. */
const HEAD_BYTES = 7;
/** Flags, and the number of messages sent before the record. */
const INNER_BYTES = 7;
const IS_FIRST = 1;
const IS_LAST = 2;

/** Bytes of a record besides its part of a frame. */
const RECORD_BYTES = HEAD_BYTES + INNER_BYTES + TAG_BYTES;

/** The largest frame that is put together from several records. */
const MAX_FRAME = 68_157_440;

/** The outcome of opening a record. */
export type Received =
  | { readonly name: 'rejected' }
  /** `lost`: the number of messages that were sent before and have not arrived. `frame`: absent until its last part arrives. */
  | { readonly name: 'genuine'; readonly lost: number; readonly frame: Buffer | undefined };

export const REJECTED: Received = { name: 'rejected' };

/**
 * The records of a link between two processes, in both directions. A record is a part of a frame, sealed under a sequence number that
 * never repeats: a record that was forged, altered, repeated or overtaken by a later one is rejected. Each record states how many
 * messages were sent before it, so that the receiver counts exactly what was lost.
 */
export class LinkSession {
  readonly #keys: LinkKeys;
  readonly #sendingSubject: Buffer;
  readonly #receivingSubject: Buffer;
  #sent = 0;
  #received = 0;
  #messagesSent = 0;
  #messagesReceived = 0;
  /** The parts of a frame whose last part has not arrived. */
  #parts: Buffer[] = [];
  #partBytes = 0;

  constructor(keys: LinkKeys, subjects: { readonly sending: string; readonly receiving: string }) {
    this.#keys = keys;
    this.#sendingSubject = Buffer.from(subjects.sending);
    this.#receivingSubject = Buffer.from(subjects.receiving);
  }

  /** The number of messages sent so far. */
  get messagesSent(): number {
    return this.#messagesSent;
  }

  /** Seals a frame with `messages` messages, as records of at most `maxPayload` bytes. */
  seal(frame: Uint8Array, messages: number, maxPayload: number): readonly Buffer[] {
    const most = maxPayload - RECORD_BYTES;
    const records: Buffer[] = [];
    for (let at = 0; at === 0 || at < frame.length; at += most) {
      const end = Math.min(frame.length, at + most);
      const flags = (at === 0 ? IS_FIRST : 0) | (end === frame.length ? IS_LAST : 0);
      records.push(this.#sealPart(frame.subarray(at, end), flags));
    }
    this.#messagesSent += messages;
    return records;
  }

  /** Opens a record. After a frame with messages the caller reports their number: see {@link took}. */
  open(payload: Uint8Array): Received {
    if (payload.length < RECORD_BYTES) return REJECTED;
    const record = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
    const sequence = record.readUIntBE(1, 6);
    if (sequence <= this.#received) return REJECTED;
    const inner = Buffer.allocUnsafeSlow(record.length - HEAD_BYTES - TAG_BYTES);
    const head = associated(this.#receivingSubject, record);
    if (!this.#keys.receiving.open(sequence, head, record.subarray(HEAD_BYTES), inner)) return REJECTED;
    const isNext = sequence === this.#received + 1;
    this.#received = sequence;
    const before = inner.readUIntBE(1, 6);
    const lost = Math.max(0, before - this.#messagesReceived);
    this.#messagesReceived = Math.max(before, this.#messagesReceived);
    return { name: 'genuine', lost, frame: this.#join(inner, isNext) };
  }

  /** Notes that a frame with `messages` messages has arrived. */
  took(messages: number): void {
    this.#messagesReceived += messages;
  }

  wipe(): void {
    this.#keys.sending.wipe();
    this.#keys.receiving.wipe();
  }

  #sealPart(part: Uint8Array, flags: number): Buffer {
    const record = Buffer.allocUnsafeSlow(RECORD_BYTES + part.length);
    this.#sent += 1;
    record[0] = Kind.RECORD;
    record.writeUIntBE(this.#sent, 1, 6);
    record[HEAD_BYTES] = flags;
    record.writeUIntBE(this.#messagesSent, HEAD_BYTES + 1, 6);
    record.set(part, HEAD_BYTES + INNER_BYTES);
    const plaintext = record.subarray(HEAD_BYTES, record.length - TAG_BYTES);
    const head = associated(this.#sendingSubject, record);
    this.#keys.sending.seal(this.#sent, head, plaintext, record.subarray(HEAD_BYTES));
    return record;
  }

  /** Returns the frame if this was its last part. A frame of which a part is lost is discarded. */
  #join(inner: Buffer, isNext: boolean): Buffer | undefined {
    const flags = inner[0] ?? 0;
    const part = inner.subarray(INNER_BYTES);
    if ((flags & IS_FIRST) !== 0 || !isNext) {
      this.#parts = [];
      this.#partBytes = 0;
    }
    const isContinued = this.#parts.length > 0;
    if ((flags & IS_FIRST) === 0 && !isContinued) return undefined;
    if ((flags & IS_LAST) !== 0 && !isContinued) return part;
    this.#partBytes += part.length;
    if (this.#partBytes > MAX_FRAME) {
      this.#parts = [];
      return undefined;
    }
    this.#parts.push(part);
    if ((flags & IS_LAST) === 0) return undefined;
    const frame = Buffer.concat(this.#parts);
    this.#parts = [];
    this.#partBytes = 0;
    return frame;
  }
}

/** The associated data of a record: the subject, which names both nodes, and the head of the record. */
function associated(subject: Buffer, record: Buffer): Buffer {
  return Buffer.concat([subject, record.subarray(0, HEAD_BYTES)]);
}
