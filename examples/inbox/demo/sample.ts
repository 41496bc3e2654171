import { findMailFiles } from '../src/cli/mail-files.ts';
import { readMailFile } from '../src/cli/mailboxes.ts';

/** How many sentences, and how many message numbers, the home is searched for. */
const WANTED = 15;

/** Texts of the mail that no other file contains by chance. */
export interface MailSample {
  readonly sentences: readonly string[];
  /** Subject lines, of 12 characters or more. */
  readonly subjects: readonly string[];
  /** The files of the sample. */
  readonly files: readonly string[];
  /** A word of a subject, which a search must find. */
  readonly word: string;
}

/** Lines of plain text, and `Message-ID`s, of messages all over the mail. */
export async function sampleMail(paths: readonly string[]): Promise<MailSample> {
  const all = findMailFiles(paths).filter((entry) => entry.kind === 'file');
  const step = Math.max(1, Math.floor(all.length / (4 * WANTED)));
  const lines = new Set<string>();
  const messageIds = new Set<string>();
  const files = new Set<string>();
  const subjects = new Set<string>();
  const words: string[] = [];
  const isEnough = (): boolean => lines.size >= WANTED && messageIds.size >= WANTED;
  for (let index = 0; index < all.length && !isEnough(); index += 1) {
    const file = all[index];
    // A few of many files; of a few files all.
    if (file === undefined || index % step > 1) continue;
    for await (const found of readMailFile(file, 1_048_576)) {
      if (found.kind !== 'message') continue;
      const text = found.raw.toString('latin1').replaceAll('\r\n', '\n');
      const end = text.indexOf('\n\n');
      const head = end < 0 ? text : text.slice(0, end);
      const line = text.slice(head.length).match(/^[A-Z][a-z]+ [\w ,']{30,70}$/m)?.[0];
      const messageId = head.match(/^Message-ID: *<([!-~]{20,})>$/im)?.[1];
      const subject = head.match(/^Subject: (.*)$/im)?.[1] ?? '';
      if (subject.length >= 12 && subjects.size < WANTED) subjects.add(subject);
      words.push(...(subject.match(/\b[A-Za-z]{5,20}\b/g) ?? []));
      if (line !== undefined && lines.size < WANTED) lines.add(line);
      if (messageId !== undefined && messageIds.size < WANTED) messageIds.add(messageId);
      if (line !== undefined || messageId !== undefined) files.add(file.where);
      if (isEnough()) break;
    }
  }
  return {
    sentences: [...lines, ...messageIds],
    subjects: [...subjects],
    files: [...files],
    word: words[0] ?? 'the',
  };
}
