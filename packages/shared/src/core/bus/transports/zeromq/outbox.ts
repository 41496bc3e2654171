import type { AicoError } from '@aico/protocol';
import { BusCongestedError, BusConnectionLostError } from './errors.ts';
import { FrameWriter } from './frame-writer.ts';
import { FrameType, type Refused } from './frames.ts';
import { deadlineAfter, type RunHead, writeTimeLeft } from './runs.ts';

/** Bytes of a frame that is sent without waiting for more. */
const FULL_FRAME = 65_536;

/** Frames that may be on their way before what is published is held back to be packed with what follows. */
const PROMPT_FRAMES = 2;

/** Bytes of messages that may wait to be sent. */
const LIMIT_BYTES = 8_388_608;

/** Bytes of the two lengths with which a run begins. */
const RUN_LENGTHS = 6;

interface PendingRun {
  readonly topic: string;
  /** Where it begins in its frame. */
  readonly start: number;
  readonly deadline: number | undefined;
  readonly done: PromiseWithResolvers<void>;
}

interface PendingFrame {
  readonly number: number;
  readonly bytes: Buffer;
  readonly runs: readonly PendingRun[];
}

/** Where the outbox sends, while there is a connection. */
export interface OutboxLink {
  readonly window: number;
  send(frame: Buffer): void;
}

/**
 * What has been published and not been confirmed. Messages are packed by themselves: while fewer than two frames are
 * on their way each goes at once, else they gather until one is confirmed or a frame is full. So nothing waits on an
 * idle connection, and a busy one pays for few frames.
 */
export class Outbox {
  readonly #writer = new FrameWriter();
  #runs: PendingRun[] = [];
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
  publish(head: RunHead, key: object, number: number, content: string | Uint8Array): Promise<void> {
    if (this.#readyBytes + this.#writer.length > LIMIT_BYTES)
      return Promise.reject(
        new BusCongestedError(head.topic, `${LIMIT_BYTES} bytes wait to be sent already`),
      );
    let run = this.#runs.at(-1);
    if (run === undefined || !this.#writer.continues(key)) {
      const { topic, timeLeftMs } = head;
      const deadline = timeLeftMs === undefined ? undefined : deadlineAfter(timeLeftMs);
      const start = this.#writer.length;
      this.#writer.beginRun(head, key);
      run = { topic, start, deadline, done: Promise.withResolvers<void>() };
      this.#runs.push(run);
    }
    this.#writer.message(number, content);
    if (this.#writer.length >= FULL_FRAME) this.#close();
    if (!this.#flushing) {
      this.#flushing = true;
      queueMicrotask(this.#flush);
    }
    return run.done.promise;
  }

  /** Sends over `link` from here on. */
  attach(link: OutboxLink): void {
    this.#link = link;
    this.#number = 0;
    this.#flush();
  }

  /** The connection is gone: what was sent and not confirmed is reported, what was not sent waits for the next. */
  detach(): void {
    this.#link = undefined;
    const lost = this.#sent;
    this.#sent = [];
    this.#sentBytes = 0;
    for (const { runs } of lost)
      for (const { topic, done } of runs) done.reject(new BusConnectionLostError(topic));
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
      for (const { done } of frame.runs) done.resolve();
    }
    this.#flush();
    this.#checkIdle();
    return true;
  }

  /** A run was not taken; its frame is acknowledged afterwards. */
  refuse({ frame, run }: Refused, error: (topic: string) => AicoError): void {
    const refused = this.#sent.find(({ number }) => number === frame)?.runs[run];
    refused?.done.reject(error(refused.topic));
  }

  /** Gives up what waits to be sent. */
  discard(reason: string): void {
    this.#close();
    const waiting = this.#ready;
    this.#ready = [];
    this.#readyBytes = 0;
    for (const { runs } of waiting)
      for (const { topic, done } of runs) done.reject(new BusCongestedError(topic, reason));
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

  #send(link: OutboxLink, { bytes, runs }: PendingFrame): void {
    this.#number += 1;
    bytes.writeUInt32BE(this.#number, 1);
    // What is left has become less while the frame waited for its turn.
    for (const { start, deadline } of runs)
      if (deadline !== undefined) writeTimeLeft(bytes, start + RUN_LENGTHS, deadline);
    this.#sent.push({ number: this.#number, bytes, runs });
    this.#sentBytes += bytes.length;
    link.send(bytes);
  }

  #fits({ window }: OutboxLink, bytes: number): boolean {
    return this.#sent.length === 0 || this.#sentBytes + bytes <= window;
  }

  /** Ends the frame that is being packed. */
  #close(): void {
    if (this.#writer.isEmpty) return;
    const bytes = this.#writer.finish(FrameType.PUBLISH, 0);
    this.#ready.push({ number: 0, bytes, runs: this.#runs });
    this.#readyBytes += bytes.length;
    this.#runs = [];
  }

  #checkIdle(): void {
    if (!this.#isIdle) return;
    this.#idle?.resolve();
    this.#idle = undefined;
  }
}
