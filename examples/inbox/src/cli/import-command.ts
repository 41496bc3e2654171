import type { CommandContext } from '@aico/cli/plugin';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { joinFrames } from '../frames.ts';
import { tooLarge } from '../importer.ts';
import { findMailFiles, type LocatedMessage, readMailFile } from './mailboxes.ts';

/** A request carries at most so many messages, and about so many bytes. */
const BATCH_MESSAGES = 64;
const BATCH_BYTES = 4 * 1_048_576;

/** Reasons shown before the rest is only counted. */
const REASONS_SHOWN = 20;

const Stats = Type.Object({ maxMessageBytes: Type.Integer() });
const Results = Type.Object({
  results: Type.Array(
    Type.Union([
      Type.Object({ status: Type.Enum(['imported', 'duplicate']), id: Type.Integer() }),
      Type.Object({ status: Type.Literal('refused'), reason: Type.String() }),
    ]),
  ),
});

/** How an import went: `found` is the sum of the other three. */
export interface ImportSummary {
  found: number;
  imported: number;
  duplicate: number;
  refused: number;
  /** Files of folders that do not begin as mail does. */
  readonly skippedFiles: number;
  readonly refusals: { readonly where: string; readonly reason: string }[];
}

/** `aico inbox import PATH…` */
export async function importMail(context: CommandContext, paths: readonly string[]): Promise<void> {
  const client = await context.client();
  const { maxMessageBytes } = Value.Parse(Stats, await client.json('/api/v1/inbox/stats'));
  const { files, skipped } = await findMailFiles(paths);
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const summary: ImportSummary = {
    found: 0,
    imported: 0,
    duplicate: 0,
    refused: 0,
    skippedFiles: skipped,
    refusals: [],
  };
  const progress = context.output.progress(total, 'import');
  const refuse = (where: string, reason: string): void => {
    summary.refused += 1;
    summary.refusals.push({ where, reason });
  };

  let batch: (LocatedMessage & { kind: 'message' })[] = [];
  let batchBytes = 0;
  let doneBytes = 0;
  const send = async (): Promise<void> => {
    if (batch.length === 0) return;
    const sent = batch;
    [batch, batchBytes] = [[], 0];
    const answer = await client.json('/api/v1/inbox/import', {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: joinFrames(sent.map(({ raw }) => raw)),
    });
    const { results } = Value.Parse(Results, answer);
    for (const [index, result] of results.entries()) {
      if (result.status === 'refused') refuse(sent[index]?.where ?? '', result.reason);
      else summary[result.status] += 1;
    }
    progress.update(doneBytes, `${summary.imported} imported`);
  };

  try {
    for (const file of files) {
      for await (const message of readMailFile(file, maxMessageBytes)) {
        summary.found += 1;
        if (message.kind === 'too-large') {
          refuse(message.where, tooLarge(message.bytes, maxMessageBytes));
          continue;
        }
        batch.push(message);
        batchBytes += message.raw.length;
        if (batch.length >= BATCH_MESSAGES || batchBytes >= BATCH_BYTES) await send();
      }
      doneBytes += file.bytes;
    }
    await send();
  } finally {
    progress.stop();
  }
  context.output.print(summary, describe);
}

function describe({ found, imported, duplicate, refused, skippedFiles, refusals }: ImportSummary): string {
  const lines = [`${found} messages: ${imported} imported, ${duplicate} duplicate, ${refused} refused`];
  if (skippedFiles > 0) lines.push(`  ${skippedFiles} files do not begin as mail does and were passed over`);
  for (const { where, reason } of refusals.slice(0, REASONS_SHOWN))
    lines.push(`  refused ${where}: ${reason}`);
  if (refusals.length > REASONS_SHOWN) lines.push(`  and ${refusals.length - REASONS_SHOWN} more`);
  return lines.join('\n');
}
