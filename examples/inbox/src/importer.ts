import { setImmediate as nextTurn } from 'node:timers/promises';
import type { MessageBus } from '@aico/shared/core/bus';
import type { Logger } from '@aico/shared/core/logging';
import { MessageRefusedError } from './errors.ts';
import { parseMail } from './mail-parser.ts';
import type { IncomingMail, MailStore } from './mail-store.ts';
import { messageImported } from './topics.ts';

/** What became of one message of an import, in the order they came. */
export type ImportResult =
  | { readonly status: 'imported' | 'duplicate'; readonly id: number }
  | { readonly status: 'refused'; readonly reason: string };

export interface ImporterOptions {
  readonly store: MailStore;
  readonly bus: MessageBus;
  /** Messages larger than this are refused. */
  readonly maxBytes: number;
  readonly logger: Logger;
}

/** Parses, stores and announces batches of mail. */
export class Importer {
  readonly #store: MailStore;
  readonly #bus: MessageBus;
  readonly #maxBytes: number;
  readonly #logger: Logger;

  constructor({ store, bus, maxBytes, logger }: ImporterOptions) {
    this.#store = store;
    this.#bus = bus;
    this.#maxBytes = maxBytes;
    this.#logger = logger;
  }

  /** One bad message is refused by itself; the good ones of the batch are stored together. */
  async import(messages: readonly Uint8Array[]): Promise<readonly ImportResult[]> {
    const results: ImportResult[] = [];
    const accepted: (IncomingMail & { readonly index: number })[] = [];
    for (const [index, raw] of messages.entries()) {
      const outcome = await this.#parse(raw);
      if ('reason' in outcome) results[index] = outcome;
      else accepted.push({ ...outcome, index });
      // Parsing is computation: others get their turn between two messages.
      await nextTurn();
    }
    const stored = await this.#store.add(accepted);
    for (const [position, { index }] of accepted.entries()) {
      const mail = stored[position];
      if (mail === undefined) continue;
      results[index] = { status: mail.isNew ? 'imported' : 'duplicate', id: mail.id };
      if (mail.isNew) {
        await this.#bus.publish(messageImported, { id: mail.id, sha256: mail.sha256, size: mail.size });
      }
    }
    const count = (status: ImportResult['status']): number =>
      results.filter((result) => result.status === status).length;
    this.#logger.info('Imported', {
      imported: count('imported'),
      duplicate: count('duplicate'),
      refused: count('refused'),
    });
    return results;
  }

  async #parse(raw: Uint8Array): Promise<IncomingMail | (ImportResult & { status: 'refused' })> {
    if (raw.length > this.#maxBytes)
      return { status: 'refused', reason: tooLarge(raw.length, this.#maxBytes) };
    try {
      return { raw, mail: await parseMail(raw) };
    } catch (error) {
      if (error instanceof MessageRefusedError) return { status: 'refused', reason: error.message };
      throw error;
    }
  }
}

/** Said by the importer, and by the command that does not even send such a message. */
export function tooLarge(bytes: number, limit: number): string {
  const mib = (count: number): string => (count / 1_048_576).toFixed(1);
  return `it has ${mib(bytes)} MiB, and the limit is ${mib(limit)} MiB`;
}
