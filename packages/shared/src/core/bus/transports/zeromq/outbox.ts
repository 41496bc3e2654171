import type { AicoError } from '@aico/protocol';
import type { BatchHeader } from '../../messages/batch.ts';
import { BusCongestedError, BusConnectionLostError } from './errors.ts';
import { BATCH_LENGTHS, timeLeftUntil, writeTimeLeft } from './frame-batch.ts';
import { FrameMemory, FrameWriter, FULL_FRAME } from './frame-writer.ts';
import { FrameType, type Refused } from './frames.ts';

/** Frames in flight above which messages are held back, to be packed with later ones. */
const PROMPT_FRAMES = 2;

/** Bytes of messages that may wait to be sent. */
const LIMIT_BYTES = 8_388_608;

interface PendingBatch {
  readonly header: BatchHeader;
  /** Where it begins in its frame. */
  readonly start: number;
  readonly done: PromiseWithResolvers<void>;
}

interface PendingFrame {
  readonly number: number;
  readonly bytes: Buffer;
  readonly batches: readonly PendingBatch[];
}

/** Where the outbox sends, while there is a connection. */
export interface OutboxLink {
  readonly window: number;
  send(frame: Buffer): void;
}

/**
 * The messages that have been published and not been confirmed. They are packed as the load asks: while fewer than two frames are
 * on their way each goes at once, else they gather until one is confirmed or a frame is full. So nothing waits on an
 * idle connection, and a busy one pays for few frames.
 */
export class Outbox {
  readonly #writer = new FrameWriter();
  #batches: PendingBatch[] = [];
  readonly #memory = new FrameMemory();
  /** Full frames that wait for the window. */
  #ready: PendingFrame[] = [];
  #readyBytes = 0;
  #sent: PendingFrame[] = [];
  #sentBytes = 0;
  #number = 0;
  #link: OutboxLink | undefined;
  #flushing = false;
  #idle: PromiseWithResolvers<void> | undefined;

  /** Takes a message; the promise settles when the broker has confirmed or refused it, or the connection broke. */
  publish(header: BatchHeader, number: number, content: string | Uint8Array): Promise<void> {
    const writer = this.#writer;
    if (this.#readyBytes + writer.length > LIMIT_BYTES)
      return Promise.reject(
        new BusCongestedError(header.topic, `${LIMIT_BYTES} bytes wait to be sent already`),
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

  /** Sends over `link` from here on. */
  attach(link: OutboxLink): void {
    this.#link = link;
    this.#number = 0;
    this.#flush();
  }

  /** Handles the end of the connection: unconfirmed messages are reported, and unsent ones wait for the next connection. */
  detach(): void {
    this.#link = undefined;
    const lost = this.#sent;
    this.#sent = [];
    this.#sentBytes = 0;
    for (const { batches } of lost)
      for (const { header, done } of batches) done.reject(new BusConnectionLostError(header.topic));
    // The memory of frames that were not confirmed may still be read: it is not used again.
    this.#memory.clear();
    this.#checkIdle();
  }

  /** Everything up to this frame has been taken. `false` when no such frame was sent. */
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

  /** A batch was not taken; its frame is acknowledged afterwards. */
  refuse({ frame, run }: Refused, error: (topic: string) => AicoError): void {
    const refused = this.#sent.find(({ number }) => number === frame)?.batches[run];
    refused?.done.reject(error(refused.header.topic));
  }

  /** Gives up what waits to be sent. */
  discard(reason: string): void {
    this.#close();
    const waiting = this.#ready;
    this.#ready = [];
    this.#readyBytes = 0;
    for (const { batches } of waiting)
      for (const { header, done } of batches) done.reject(new BusCongestedError(header.topic, reason));
    this.#checkIdle();
  }

  /** Settles once nothing waits and nothing is unconfirmed. */
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
    // The time left has become shorter while the frame waited for its turn.
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

  /** Ends the frame that is being packed. */
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
