import type { MailFilter } from '@aico/example-inbox';

/** The label of bulk mail, which the digest counts but does not list. */
export const BULK = 'bulk';

const UNSUBSCRIBE = /\bunsubscribe\b|\babmelden\b|\bse désabonner\b/i;

/** Labels newsletters: mail whose text says how to unsubscribe, and mail of the senders that the configuration names. */
export function bulkFilter(senders: () => readonly string[]): MailFilter {
  return {
    judge: ({ sender, text }) =>
      UNSUBSCRIBE.test(text) || senders().some((each) => sender.toLowerCase().includes(each.toLowerCase()))
        ? { labels: [BULK] }
        : undefined,
  };
}
