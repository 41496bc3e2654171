import os from 'node:os';
import { Worker } from 'node:worker_threads';
import pLimit from 'p-limit';
import { MessageRefusedError } from '../errors.ts';
import type { ParsedMail } from './mail-parser.ts';
import type { ParseAnswer } from './mail-worker.ts';

export interface MailReaderOptions {
  /** Threads that parse at the same time. Default: as many as the machine has cores. */
  readonly threads?: number;
  /** Milliseconds that parsing one message may take before the message is refused. Default 60 000. */
  readonly timeoutMs?: number;
  /** Mebibytes of memory that parsing one message may take before the message is refused. Default 512. */
  readonly memoryMib?: number;
  /** Milliseconds without work after which the threads are ended. Default 10 000. */
  readonly idleMs?: number;
}

/**
 * Parses mail on threads of its own, one message at a time on each: a message that was made to take long delays no request, and
 * one that hangs or fills the memory ends only its thread, which is replaced.
 *
 * @example
 * ```ts
 * await using reader = new MailReader();
 * const { subject } = await reader.read(Buffer.from('Subject: Hello\n\nYou'));
 * ```
 */
export class MailReader implements AsyncDisposable {
  readonly #options: Required<MailReaderOptions>;
  readonly #limit: ReturnType<typeof pLimit>;
  /** All threads, and the idle ones among them. */
  readonly #workers = new Set<Worker>();
  readonly #free = new Set<Worker>();
  readonly #reading = new Set<Promise<unknown>>();
  #idle: NodeJS.Timeout | undefined;

  constructor({
    threads = os.availableParallelism(),
    timeoutMs = 60_000,
    memoryMib = 512,
    idleMs = 10_000,
  }: MailReaderOptions = {}) {
    this.#options = { threads, timeoutMs, memoryMib, idleMs };
    this.#limit = pLimit(threads);
  }

  /**
   * @param raw must own its whole buffer: of a view the whole buffer is copied to the thread
   * @throws {MessageRefusedError} when it is not mail, or takes too long or too much memory
   */
  async read(raw: Uint8Array): Promise<ParsedMail> {
    const reading = this.#limit(() => this.#read(raw));
    this.#reading.add(reading);
    try {
      const answer = await reading;
      if ('refused' in answer) throw new MessageRefusedError(answer.refused);
      return answer.mail;
    } finally {
      this.#reading.delete(reading);
    }
  }

  /** The number of threads, busy or idle. */
  get threads(): number {
    return this.#workers.size;
  }

  async #read(raw: Uint8Array): Promise<ParseAnswer> {
    const [free] = this.#free;
    const worker = free ?? this.#begin();
    this.#free.delete(worker);
    worker.ref();
    const answer = await this.#ask(worker, raw);
    worker.unref();
    if (this.#workers.has(worker)) this.#free.add(worker);
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => void this.#endFree(), this.#options.idleMs).unref();
    return answer;
  }

  async #ask(worker: Worker, raw: Uint8Array): Promise<ParseAnswer> {
    const { promise, resolve } = Promise.withResolvers<ParseAnswer>();
    const onError = (error: Error): void => resolve({ refused: `reading it failed: ${error.message}` });
    const onExit = (): void => resolve({ refused: 'reading it ended the thread' });
    worker.once('message', resolve).once('error', onError).once('exit', onExit);
    const deadline = setTimeout(() => {
      resolve({ refused: `reading it took more than ${this.#options.timeoutMs / 1_000} s` });
      void this.#end(worker);
    }, this.#options.timeoutMs);
    worker.postMessage(raw);
    try {
      return await promise;
    } finally {
      clearTimeout(deadline);
      worker.off('message', resolve).off('error', onError).off('exit', onExit);
    }
  }

  #begin(): Worker {
    const worker = new Worker(new URL('./mail-worker.ts', import.meta.url), {
      name: 'inbox mail reader',
      resourceLimits: { maxOldGenerationSizeMb: this.#options.memoryMib },
    });
    // An error is also reported to the caller that waits for an answer; without a listener it would end the process.
    worker.on('error', () => this.#forget(worker));
    worker.on('exit', () => this.#forget(worker));
    this.#workers.add(worker);
    return worker;
  }

  #forget(worker: Worker): void {
    this.#workers.delete(worker);
    this.#free.delete(worker);
  }

  async #end(worker: Worker): Promise<void> {
    this.#forget(worker);
    await worker.terminate();
  }

  async #endFree(): Promise<void> {
    await Promise.all([...this.#free].map((worker) => this.#end(worker)));
  }

  /** Waits for the messages that are being parsed, then ends the threads. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#reading);
    clearTimeout(this.#idle);
    await Promise.all([...this.#workers].map((worker) => this.#end(worker)));
  }
}
