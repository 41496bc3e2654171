import {
  MESSAGE_OVERHEAD,
  type RunHead,
  runStartLimit,
  writeRunEnd,
  writeRunStart,
  writeTimeLeft,
} from './runs.ts';

/** Bytes before the first run: type and number. */
const FRAME_START = 5;
const SMALLEST = 16_384;
/** What is kept after a large frame. */
const LARGEST_KEPT = 262_144;

/** A run that is written again. */
export interface CopiedRun {
  readonly frame: Buffer;
  readonly header: number;
  readonly headerEnd: number;
  /** The moment, by `performance.now()`, until which its answer is awaited. */
  readonly deadline: number | undefined;
}

/** Packs messages into one PUBLISH or DELIVER frame. */
export class FrameWriter {
  #buffer = Buffer.allocUnsafe(SMALLEST);
  #at = FRAME_START;
  #runStart = -1;
  #runKey: object | undefined;

  /** Bytes so far. */
  get length(): number {
    return this.#at;
  }

  get isEmpty(): boolean {
    return this.#at === FRAME_START;
  }

  /** Whether a message with this key would go on with the present run. */
  continues(key: object): boolean {
    return this.#runKey === key;
  }

  /** Begins a run; messages follow. `key` stands for the head: who has the same goes on with the run. */
  beginRun(head: RunHead, key: object): void {
    this.endRun();
    this.#reserve(runStartLimit(head));
    this.#runStart = this.#at;
    this.#runKey = key;
    this.#at = writeRunStart(this.#buffer, this.#at, head);
  }

  /** Writes a message into the present run, and says how many bytes its body has. */
  message(number: number, content: string | Uint8Array): number {
    const most = typeof content === 'string' ? content.length * 3 : content.byteLength;
    this.#reserve(MESSAGE_OVERHEAD + most);
    const buffer = this.#buffer;
    const at = this.#at;
    buffer.writeUInt16BE(Math.floor(number / 0x100000000), at);
    buffer.writeUInt32BE(number % 0x100000000, at + 2);
    let length = most;
    if (typeof content === 'string') length = buffer.write(content, at + MESSAGE_OVERHEAD);
    else buffer.set(content, at + MESSAGE_OVERHEAD);
    buffer.writeUInt32BE(length, at + 6);
    this.#at = at + MESSAGE_OVERHEAD + length;
    return length;
  }

  /**
   * Writes a run that has been received, or some of its messages: header and messages as they are, but for the time left
   * until `deadline`.
   */
  copyRun(
    subscription: number,
    { frame, header, headerEnd, deadline }: CopiedRun,
    from: number,
    to: number,
  ): void {
    const headerLength = headerEnd - header;
    this.#reserve(10 + headerLength + to - from);
    const buffer = this.#buffer;
    let at = this.#at;
    buffer.writeUInt32BE(subscription, at);
    buffer.writeUInt32BE(2 + headerLength + to - from, at + 4);
    buffer.writeUInt16BE(headerLength, at + 8);
    at += 10;
    const headerAt = at;
    at += frame.copy(buffer, at, header, headerEnd);
    at += frame.copy(buffer, at, from, to);
    if (deadline !== undefined) writeTimeLeft(buffer, headerAt, deadline);
    this.#at = at;
  }

  endRun(): void {
    if (this.#runStart >= 0) writeRunEnd(this.#buffer, this.#runStart, this.#at);
    this.#runStart = -1;
    this.#runKey = undefined;
  }

  /** Lets go of what was written. */
  discard(): void {
    this.#at = FRAME_START;
    this.#runStart = -1;
    this.#runKey = undefined;
  }

  /** The frame, in memory of its own; the writer is empty again. */
  finish(type: number, number: number): Buffer {
    this.endRun();
    const buffer = this.#buffer;
    buffer[0] = type;
    buffer.writeUInt32BE(number, 1);
    // A copy: ZeroMQ's thread reads it after this returns.
    const frame = Buffer.from(buffer.subarray(0, this.#at));
    this.#at = FRAME_START;
    if (buffer.length > LARGEST_KEPT) this.#buffer = Buffer.allocUnsafe(SMALLEST);
    return frame;
  }

  #reserve(bytes: number): void {
    const needed = this.#at + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#buffer = larger;
  }
}
