import type { AicoError } from '@aico/protocol';
import { BATCH_LENGTHS, timeLeftUntil, writeTimeLeft } from '../../frames/frame-batch.ts';
import { FrameMemory, FrameWriter, FULL_FRAME } from '../../frames/frame-writer.ts';
import { FrameType, type Refused } from '../../frames/frames.ts';
import type { BatchHeader } from '../../messages/batch.ts';
import { BusCongestedError, BusConnectionLostError } from './errors.ts';

/** While this many frames are in flight, messages wait and are packed together. */
const PROMPT_FRAMES = 2;

/** The maximum number of bytes that wait to be sent. */
const LIMIT_BYTES = 8_388_608;

interface PendingBatch {
  readonly header: BatchHeader;
  /** The offset in the frame. */
  readonly start: number;
  readonly done: PromiseWithResolvers<void>;
}

interface PendingFrame {
  readonly number: number;
  readonly bytes: Buffer;
  readonly batches: readonly PendingBatch[];
}

/** The connection that an outbox uses. */
interface OutboxLink {
  readonly window: number;
  send(frame: Buffer): void;
}

/**
 * The published messages that have not been confirmed. While fewer than two frames are in flight, a message is sent immediately.
 * Otherwise messages are packed until a frame is confirmed or full. Thus an idle connection adds no delay, and a busy one
 * needs few frames.
 */
export class Outbox {
  readonly #writer = new FrameWriter();
  #batches: PendingBatch[] = [];
  readonly #memory = new FrameMemory();
  /** Complete frames that wait for room in the window. */
  #ready: PendingFrame[] = [];
  #readyBytes = 0;
  #sent: PendingFrame[] = [];
  #sentBytes = 0;
  #number = 0;
  #link: OutboxLink | undefined;
  #flushing = false;
  #idle: PromiseWithResolvers<void> | undefined;

  /** Queues a message. The promise settles when the broker has confirmed or refused it, or the connection breaks. */
  publish(header: BatchHeader, number: number, content: string | Uint8Array): Promise<void> {
    const writer = this.#writer;
    if (this.#readyBytes + writer.length > LIMIT_BYTES)
      return Promise.reject(
        new BusCongestedError(header.topic, `more than ${LIMIT_BYTES} bytes are waiting to be sent`),
      );
    let batch = this.#batches.at(-1);
    if (batch === undefined || !writer.continues(header)) {
      const start = writer.length;
      writer.beginBatch(header);
      batch = { header, start, done: Promise.withResolvers<void>() };
      this.#batches.push(batch);
    }
    writer.message(number, content);
    if (writer.length >= FULL_FRAME) this.#close();
    if (!this.#flushing) {
      this.#flushing = true;
      queueMicrotask(this.#flush);
    }
    return batch.done.promise;
  }

  /** Uses `link` from now on. */
  attach(link: OutboxLink): void {
    this.#link = link;
    this.#number = 0;
    this.#flush();
  }

  /** Handles the end of the connection: unconfirmed messages are rejected, and unsent messages wait for the next connection. */
  detach(): void {
    this.#link = undefined;
    const lost = this.#sent;
    this.#sent = [];
    this.#sentBytes = 0;
    for (const { batches } of lost)
      for (const { header, done } of batches) done.reject(new BusConnectionLostError(header.topic));
    // ZeroMQ may still read the memory of unconfirmed frames, so it is not used again.
    this.#memory.clear();
    this.#checkIdle();
  }

  /** Confirms all frames up to `number`. Returns `false` if no frame with this number was sent. */
  acknowledge(number: number): boolean {
    const last = this.#sent.at(-1)?.number ?? 0;
    if (number > last) return false;
    while (this.#sent[0] !== undefined && this.#sent[0].number <= number) {
      const frame = this.#sent.shift();
      if (frame === undefined) break;
      this.#sentBytes -= frame.bytes.length;
      this.#memory.release(frame.bytes);
      for (const { done } of frame.batches) done.resolve();
    }
    this.#flush();
    this.#checkIdle();
    return true;
  }

  /** Rejects a batch that the broker refused. The broker acknowledges its frame afterwards. */
  refuse({ frame, batch }: Refused, error: (topic: string) => AicoError): void {
    const refused = this.#sent.find(({ number }) => number === frame)?.batches[batch];
    refused?.done.reject(error(refused.header.topic));
  }

  /** Rejects the messages that wait to be sent. */
  discard(reason: string): void {
    this.#close();
    const waiting = this.#ready;
    this.#ready = [];
    this.#readyBytes = 0;
    for (const { batches } of waiting)
      for (const { header, done } of batches) done.reject(new BusCongestedError(header.topic, reason));
    this.#checkIdle();
  }

  /** Resolves when no message waits or is unconfirmed. */
  whenIdle(): Promise<void> {
    if (this.#isIdle) return Promise.resolve();
    this.#idle ??= Promise.withResolvers<void>();
    return this.#idle.promise;
  }

  get #isIdle(): boolean {
    return this.#writer.isEmpty && this.#ready.length === 0 && this.#sent.length === 0;
  }

  readonly #flush = (): void => {
    this.#flushing = false;
    const link = this.#link;
    if (link === undefined) return;
    while (this.#ready[0] !== undefined && this.#fits(link, this.#ready[0].bytes.length)) {
      const frame = this.#ready.shift();
      if (frame === undefined) return;
      this.#readyBytes -= frame.bytes.length;
      this.#send(link, frame);
    }
    if (this.#writer.isEmpty || this.#ready.length > 0) return;
    if (this.#sent.length >= PROMPT_FRAMES || !this.#fits(link, this.#writer.length)) return;
    this.#close();
    const frame = this.#ready.shift();
    if (frame === undefined) return;
    this.#readyBytes -= frame.bytes.length;
    this.#send(link, frame);
  };

  #send(link: OutboxLink, { bytes, batches }: PendingFrame): void {
    this.#number += 1;
    bytes.writeUInt32BE(this.#number, 1);
    // Written again, since time passed while the frame was queued.
    for (const { start, header } of batches)
      if (header.deadline !== undefined)
        writeTimeLeft(bytes, start + BATCH_LENGTHS, timeLeftUntil(header.deadline));
    this.#sent.push({ number: this.#number, bytes, batches });
    this.#sentBytes += bytes.length;
    link.send(bytes);
  }

  #fits({ window }: OutboxLink, bytes: number): boolean {
    return this.#sent.length === 0 || this.#sentBytes + bytes <= window;
  }

  /** Completes the frame that is being packed. */
  #close(): void {
    if (this.#writer.isEmpty) return;
    const bytes = this.#writer.finish(FrameType.PUBLISH, 0, this.#memory);
    this.#ready.push({ number: 0, bytes, batches: this.#batches });
    this.#readyBytes += bytes.length;
    this.#batches = [];
  }

  #checkIdle(): void {
    if (!this.#isIdle) return;
    this.#idle?.resolve();
    this.#idle = undefined;
  }
}
