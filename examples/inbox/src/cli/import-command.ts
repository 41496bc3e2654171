import type { CommandContext } from '@aico/backend/plugin';
import { Value } from 'typebox/value';
import { joinFrames } from '../frames.ts';
import { Imported, type ImportResult, Stats } from '../replies.ts';
import { findMailFiles, type MailFile } from './mail-files.ts';
import { type Finding, type LocatedMessage, readMailFile } from './mailboxes.ts';
import { oneLine } from './one-line.ts';

/** The most messages of a request, and the most bytes of a request with more than one message. */
const BATCH_MESSAGES = 64;
const BATCH_BYTES = 4 * 1_048_576;

/** Requests in flight: the backend stores one batch and parses the next, while a third is being sent. */
const BATCHES_UNDER_WAY = 3;

/** Reasons shown before the rest is only counted. */
const REASONS_SHOWN = 20;

/** The result of an import: `found` is the sum of the four counts that follow it. */
export interface ImportSummary {
  found: number;
  imported: number;
  duplicate: number;
  refused: number;
  /** Files that are no mail, and messages that a mail program has marked as deleted. */
  skipped: number;
  readonly refusals: { readonly where: string; readonly reason: string }[];
  /** The number of skipped messages, by reason. */
  readonly reasons: Record<string, number>;
}

/**
 * `aico inbox import PATH…`: reads the mail here and sends it in batches, so that the backend may be elsewhere. The
 * next batch is read while others are in flight.
 *
 * @throws {MailboxUnreadableError} before anything is sent, when a path cannot be read
 */
export async function importMail(context: CommandContext, paths: readonly string[]): Promise<void> {
  const { output } = context;
  const entries = findMailFiles(paths);
  const client = await context.client();
  const { maxMessageBytes } = Value.Parse(Stats, await client.json('/api/v1/inbox/stats'));
  const run = new ImportRun(async (messages) => {
    const answer = await client.json('/api/v1/inbox/import', {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: joinFrames(messages.map(({ raw }) => raw)),
    });
    return Value.Parse(Imported, answer).results;
  });

  const totalBytes = entries.reduce((sum, entry) => sum + bytesOf(entry), 0);
  const progress = output.progress(totalBytes, 'import');
  let doneBytes = 0;
  try {
    for (const entry of entries) {
      if (entry.kind !== 'file') {
        await run.take(entry);
        continue;
      }
      let fileBytes = 0;
      for await (const finding of readMailFile(entry, maxMessageBytes)) {
        await run.take(finding);
        if (finding.kind === 'message') fileBytes += finding.raw.length;
        progress.update(Math.min(doneBytes + fileBytes, totalBytes), `${run.summary.imported} imported`);
      }
      doneBytes += entry.bytes;
    }
    await run.finish();
    progress.update(totalBytes, `${run.summary.imported} imported`);
  } catch (error) {
    progress.stop();
    output.note(
      `Stopped before the end. ${describe(run.summary)}\nImporting again adds only what is missing.`,
    );
    throw error;
  }
  progress.stop();
  output.print(run.summary, describe);
  const { found, imported, duplicate } = run.summary;
  // A user must notice without reading the numbers that no message was imported.
  if (found > 0 && imported + duplicate === 0) process.exitCode = 1;
}

function bytesOf(entry: MailFile | Finding): number {
  return entry.kind === 'file' ? entry.bytes : 0;
}

type Sender = (messages: readonly LocatedMessage[]) => Promise<readonly ImportResult[]>;

/** Puts findings into batches, keeps a few batches in flight, and counts the result of each finding. */
class ImportRun {
  readonly summary: ImportSummary = {
    found: 0,
    imported: 0,
    duplicate: 0,
    refused: 0,
    skipped: 0,
    refusals: [],
    reasons: {},
  };
  readonly #send: Sender;
  #batch: LocatedMessage[] = [];
  #batchBytes = 0;
  readonly #underWay = new Set<Promise<void>>();
  /** Batches are accounted for in the order in which they were sent, so that refusals are in the order of the files. */
  #accounted: Promise<void> = Promise.resolve();

  constructor(send: Sender) {
    this.#send = send;
  }

  async take(finding: Finding): Promise<void> {
    this.summary.found += 1;
    if (finding.kind === 'message') await this.#gather(finding);
    else if (finding.kind === 'refused') this.#refuse(finding.where, finding.reason);
    else this.#passOver(finding.reason);
  }

  async #gather(message: LocatedMessage): Promise<void> {
    if (this.#batchBytes + message.raw.length > BATCH_BYTES) await this.#flush();
    this.#batch.push(message);
    this.#batchBytes += message.raw.length;
    if (this.#batch.length >= BATCH_MESSAGES) await this.#flush();
  }

  /** Sends the last batch, and waits for every answer. */
  async finish(): Promise<void> {
    await this.#flush();
    await Promise.all(this.#underWay);
  }

  /** Sends the batch as soon as there is room in flight; a message larger than {@link BATCH_BYTES} is sent alone. */
  async #flush(): Promise<void> {
    const most = this.#batchBytes > BATCH_BYTES ? 1 : BATCHES_UNDER_WAY;
    while (this.#underWay.size >= most) await Promise.race(this.#underWay);
    if (this.#batch.length === 0) return;
    const sent = this.#batch;
    [this.#batch, this.#batchBytes] = [[], 0];
    const results = this.#send(sent);
    this.#accounted = this.#accounted.then(async () => this.#account(sent, await results));
    const underWay = this.#accounted;
    this.#underWay.add(underWay);
    // A failed batch remains in the list, so that the next wait rejects; until then its rejection is handled here.
    underWay.then(() => this.#underWay.delete(underWay)).catch(() => {});
    results.catch(() => {});
  }

  #account(sent: readonly LocatedMessage[], results: readonly ImportResult[]): void {
    for (const [index, { where }] of sent.entries()) {
      const result = results[index];
      if (result === undefined) this.#refuse(where, 'the backend did not answer for it');
      else if (result.status === 'refused') this.#refuse(where, result.reason);
      else this.summary[result.status] += 1;
    }
  }

  #passOver(reason: string): void {
    this.summary.skipped += 1;
    this.summary.reasons[reason] = (this.summary.reasons[reason] ?? 0) + 1;
  }

  #refuse(where: string, reason: string): void {
    this.summary.refused += 1;
    this.summary.refusals.push({ where, reason });
  }
}

function describe(summary: ImportSummary): string {
  const { found, imported, duplicate, refused, skipped, refusals, reasons } = summary;
  const lines = [
    `${found} found: ${imported} imported, ${duplicate} duplicate, ${refused} refused, ${skipped} skipped`,
  ];
  for (const [reason, count] of Object.entries(reasons)) lines.push(`  ${count} skipped: ${reason}`);
  for (const { where, reason } of refusals.slice(0, REASONS_SHOWN))
    lines.push(`  refused ${oneLine(where)}: ${oneLine(reason)}`);
  if (refusals.length > REASONS_SHOWN) lines.push(`  and ${refusals.length - REASONS_SHOWN} more refused`);
  return lines.join('\n');
}
