import { extensionPoint } from '@aico/backend/plugin';
import type { ParsedMail } from './parsing/mail-parser.ts';

/** A filter's decision about one message. */
export interface Verdict {
  /** Why the message is not stored. */
  readonly refuse?: string;
  /** Words that the stored message is marked with. */
  readonly labels?: readonly string[];
}

/** Decides about each message of an import before it is stored. */
export interface MailFilter {
  judge(mail: ParsedMail, signal: AbortSignal): Verdict | undefined | Promise<Verdict | undefined>;
}

/** Filters of other plugins. A message is stored with the labels of all filters, unless one of them refuses it. */
export const filters = extensionPoint<MailFilter>('inbox.filters');
