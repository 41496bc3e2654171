import { createHash } from 'node:crypto';
import type { Extensions, Logger, MessageBus, Transaction } from '@aico/backend/plugin';
import { MessageRefusedError } from './errors.ts';
import type { MailFilter } from './filters.ts';
import type { IncomingMail, MailStore, RawMail } from './mail-store.ts';
import type { MailReader } from './parsing/mail-reader.ts';
import type { ImportResult } from './replies.ts';
import { tooLarge } from './size-limit.ts';
import { messageImported } from './topics.ts';

export interface ImporterOptions {
  readonly store: MailStore;
  readonly bus: MessageBus;
  readonly reader: MailReader;
  /** Messages larger than this are refused. */
  readonly maxBytes: number;
  readonly filters: Extensions<MailFilter>;
  readonly logger: Logger;
}

/** Reads, stores and announces batches of mail. */
export class Importer {
  readonly #options: ImporterOptions;

  constructor(options: ImporterOptions) {
    this.#options = options;
  }

  /**
   * Refuses bad messages one by one; stores the others and their announcements in one transaction. A message that is stored already, byte for byte, is not parsed again.
   */
  async import(messages: readonly Uint8Array[]): Promise<readonly ImportResult[]> {
    const { store, maxBytes } = this.#options;
    const results: ImportResult[] = [];
    const candidates: (RawMail & { readonly index: number })[] = [];
    for (const [index, message] of messages.entries()) {
      if (message.length > maxBytes) {
        results[index] = { status: 'refused', reason: tooLarge(message.length, maxBytes) };
        continue;
      }
      const raw = Uint8Array.from(message);
      candidates.push({ raw, sha256: createHash('sha256').update(raw).digest('hex'), index });
    }
    const known = await store.find(candidates);
    const outcomes = await Promise.all(
      candidates.map((candidate) => {
        const id = known.get(candidate.sha256);
        return id === undefined ? this.#read(candidate) : { status: 'duplicate' as const, id };
      }),
    );
    const accepted: (IncomingMail & { readonly index: number })[] = [];
    for (const [position, { index }] of candidates.entries()) {
      const outcome = outcomes[position];
      if (outcome === undefined) continue;
      if ('status' in outcome) results[index] = outcome;
      else accepted.push({ ...outcome, index });
    }
    const stored = await store.add(accepted, (tx, id, mail) => this.#announce(tx, id, mail));
    for (const [position, mail] of accepted.entries()) {
      const row = stored[position];
      if (row === undefined) continue;
      results[mail.index] = { status: row.isNew ? 'imported' : 'duplicate', id: row.id };
    }
    this.#report(results);
    return results;
  }

  async #read({ raw, sha256 }: RawMail): Promise<IncomingMail | (ImportResult & { status: 'refused' })> {
    try {
      const mail = await this.#options.reader.read(raw);
      const verdicts = await this.#options.filters.collect((filter, signal) => filter.judge(mail, signal));
      const refusal = verdicts.find((verdict) => verdict?.refuse !== undefined)?.refuse;
      if (refusal !== undefined) return { status: 'refused', reason: refusal };
      return { raw, sha256, mail, labels: verdicts.flatMap((verdict) => verdict?.labels ?? []) };
    } catch (error) {
      if (error instanceof MessageRefusedError) return { status: 'refused', reason: error.message };
      throw error;
    }
  }

  async #announce(
    tx: Transaction,
    id: number,
    { raw, sha256, mail: { messageId } }: IncomingMail,
  ): Promise<void> {
    const announcement = {
      id,
      ...(messageId === undefined ? {} : { messageId }),
      sha256,
      size: raw.length,
    };
    await this.#options.bus.publish(messageImported, announcement, { durable: true, tx });
  }

  #report(results: readonly ImportResult[]): void {
    const count = (status: ImportResult['status']): number =>
      results.filter((result) => result.status === status).length;
    this.#options.logger.info('Imported', {
      imported: count('imported'),
      duplicate: count('duplicate'),
      refused: count('refused'),
    });
  }
}
