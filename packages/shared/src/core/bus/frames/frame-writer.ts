import type { BatchHeader } from '../messages/batch.ts';
import {
  batchStartLimit,
  type FrameBatch,
  MESSAGE_OVERHEAD,
  timeLeftUntil,
  writeBatchEnd,
  writeBatchStart,
  writeTimeLeft,
} from './frame-batch.ts';

/** Bytes before the first batch: the type and the number of the frame. */
export const FRAME_START = 5;

/** The size in bytes at which a frame is sent without waiting for more messages. */
export const FULL_FRAME = 65_536;

const SMALLEST = 4_096;
/** The buffer size for a full frame, with room for the message that fills it. */
const FULL_SIZE = FULL_FRAME + 8_192;
/** A frame of at least this size is sent without copying it, and the writer takes another buffer. */
const HANDED_OVER = 16_384;

/** Packs messages into one PUBLISH or DELIVER frame. */
export class FrameWriter {
  #buffer: Buffer = Buffer.allocUnsafeSlow(SMALLEST);
  #at = FRAME_START;
  #batchStart = -1;
  #batchHeader: BatchHeader | undefined;

  /** The number of bytes written. */
  get length(): number {
    return this.#at;
  }

  get isEmpty(): boolean {
    return this.#at === FRAME_START;
  }

  /** Whether a message with this header belongs to the current batch. */
  continues(header: BatchHeader): boolean {
    return this.#batchHeader === header;
  }

  /** Begins a batch. @returns the offset of its first message */
  beginBatch(header: BatchHeader): number {
    this.endBatch();
    this.#reserve(batchStartLimit(header));
    this.#batchStart = this.#at;
    this.#batchHeader = header;
    this.#at = writeBatchStart(this.#buffer, this.#at, header);
    return this.#at;
  }

  /** Appends a message to the current batch. */
  message(number: number, content: string | Uint8Array): void {
    const most = typeof content === 'string' ? content.length * 3 : content.byteLength;
    const at = this.#at;
    const body = at + MESSAGE_OVERHEAD;
    if (body + most > this.#buffer.length) this.#reserve(MESSAGE_OVERHEAD + most);
    const buffer = this.#buffer;
    let length = most;
    if (typeof content === 'string') length = buffer.write(content, body);
    else buffer.set(content, body);
    writeUInt32(buffer, at + 2, number);
    buffer[at] = (number / 0x10000000000) & 0xff;
    buffer[at + 1] = (number / 0x100000000) & 0xff;
    writeUInt32(buffer, at + 6, length);
    this.#at = body + length;
  }

  /** Appends messages of a batch in another frame. They are copied unchanged, except for the time left until the deadline. */
  copy(subscription: number, batch: FrameBatch, from: number, to: number): void {
    const { frame, start, messages } = batch;
    const { deadline } = batch.header;
    const headerLength = messages - start;
    const bytes = batch.bytes(from, to);
    this.#reserve(10 + headerLength + bytes);
    const buffer = this.#buffer;
    let at = this.#at;
    buffer.writeUInt32BE(subscription, at);
    buffer.writeUInt32BE(2 + headerLength + bytes, at + 4);
    buffer.writeUInt16BE(headerLength, at + 8);
    at += 10;
    const headerAt = at;
    at += frame.copy(buffer, at, start, messages);
    at += frame.copy(buffer, at, batch.at(from), batch.at(to));
    if (deadline !== undefined) writeTimeLeft(buffer, headerAt, timeLeftUntil(deadline));
    this.#at = at;
  }

  endBatch(): void {
    if (this.#batchStart >= 0) writeBatchEnd(this.#buffer, this.#batchStart, this.#at);
    this.#batchStart = -1;
    this.#batchHeader = undefined;
  }

  /** Discards the written messages. */
  discard(): void {
    this.#at = FRAME_START;
    this.#batchStart = -1;
    this.#batchHeader = undefined;
  }

  /**
   * Returns the frame and empties the writer, which no longer uses the frame's memory: ZeroMQ's thread reads it later.
   *
   * @param next a source of buffers, used if the frame takes the current buffer
   */
  finish(type: number, number: number, next?: FrameMemory): Buffer {
    this.endBatch();
    const buffer = this.#buffer;
    const length = this.#at;
    this.#at = FRAME_START;
    buffer[0] = type;
    buffer.writeUInt32BE(number, 1);
    if (length < HANDED_OVER) return Buffer.from(buffer.subarray(0, length));
    this.#buffer = next?.take() ?? Buffer.allocUnsafeSlow(FULL_SIZE);
    return buffer.subarray(0, length);
  }

  #reserve(bytes: number): void {
    const needed = this.#at + bytes;
    if (needed <= this.#buffer.length) return;
    const size = Math.max(needed, this.#buffer.length < FULL_SIZE ? FULL_SIZE : this.#buffer.length * 2);
    const larger = Buffer.allocUnsafeSlow(size);
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#buffer = larger;
  }
}

/** The number of buffers that are kept. */
const KEPT = 8;

/**
 * The buffers of large frames that a peer has confirmed. They are used again for frames to the same peer, because a busy
 * connection would otherwise cause garbage collection every few hundred frames. Peers never share buffers: a malicious peer
 * could confirm a frame before it was sent, and would then receive the data of another peer.
 */
export class FrameMemory {
  #free: Buffer[] = [];

  take(): Buffer | undefined {
    return this.#free.pop();
  }

  /** Called when `frame` has been confirmed and its memory is no longer read. */
  release(frame: Buffer): void {
    if (frame.length < HANDED_OVER || frame.buffer.byteLength !== FULL_SIZE) return;
    if (this.#free.length < KEPT) this.#free.push(Buffer.from(frame.buffer));
  }

  clear(): void {
    this.#free = [];
  }
}

function writeUInt32(buffer: Buffer, at: number, value: number): void {
  buffer[at] = value >>> 24;
  buffer[at + 1] = value >>> 16;
  buffer[at + 2] = value >>> 8;
  buffer[at + 3] = value;
}
