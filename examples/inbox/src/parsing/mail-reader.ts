import { Worker } from 'node:worker_threads';
import { MessageRefusedError } from '../errors.ts';
import type { ParsedMail } from './mail-parser.ts';
import type { ParseAnswer } from './mail-worker.ts';

export interface MailReaderOptions {
  /** Milliseconds a message may take before it is refused. Default 60 000. */
  readonly timeoutMs?: number;
  /** Mebibytes of memory a message may take before it is refused. Default 512. */
  readonly memoryMib?: number;
  /** Milliseconds without work after which the thread is let go. Default 10 000. */
  readonly idleMs?: number;
}

/**
 * Reads mail on a thread of its own, one message at a time: mail made to be slow holds up nobody but the next mail,
 * and mail made to hang or to fill the memory costs only the thread, which is made anew.
 *
 * @example
 * ```ts
 * await using reader = new MailReader();
 * const { subject } = await reader.read(Buffer.from('Subject: Hello\n\nYou'));
 * ```
 */
export class MailReader implements AsyncDisposable {
  readonly #options: Required<MailReaderOptions>;
  #worker: Worker | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #idle: NodeJS.Timeout | undefined;

  constructor({ timeoutMs = 60_000, memoryMib = 512, idleMs = 10_000 }: MailReaderOptions = {}) {
    this.#options = { timeoutMs, memoryMib, idleMs };
  }

  /**
   * @param raw must own its whole buffer: a view takes all that is behind it along
   * @throws {MessageRefusedError} when it is not mail, or takes too long or too much memory
   */
  read(raw: Uint8Array): Promise<ParsedMail> {
    const reading = this.#last.then(() => this.#read(raw));
    this.#last = reading.catch(() => {});
    return reading;
  }

  /** Whether a thread is there, at work or waiting for some. */
  get hasThread(): boolean {
    return this.#worker !== undefined;
  }

  async #read(raw: Uint8Array): Promise<ParsedMail> {
    clearTimeout(this.#idle);
    const worker = this.#worker ?? this.#begin();
    worker.ref();
    const answer = await this.#ask(worker, raw);
    worker.unref();
    this.#idle = setTimeout(() => void this.#end(worker), this.#options.idleMs).unref();
    if ('refused' in answer) throw new MessageRefusedError(answer.refused);
    return answer.mail;
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
    // Whoever waits for an answer hears of the error too; without a listener it would end the process.
    worker.on('error', () => this.#forget(worker));
    worker.on('exit', () => this.#forget(worker));
    this.#worker = worker;
    return worker;
  }

  #forget(worker: Worker): void {
    if (this.#worker === worker) this.#worker = undefined;
  }

  async #end(worker: Worker): Promise<void> {
    this.#forget(worker);
    await worker.terminate();
  }

  /** Finishes what is being read, then ends the thread. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#last;
    clearTimeout(this.#idle);
    if (this.#worker !== undefined) await this.#end(this.#worker);
  }
}
