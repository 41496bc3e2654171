import type { PluginCommands, Static, TSchema } from '@aico/backend/plugin';
import { type Command, InvalidArgumentError } from 'commander';
import { Value } from 'typebox/value';
import { importMail } from './cli/import-command.ts';
import { oneLine } from './cli/one-line.ts';
import { Found, MailDetail, Page } from './replies.ts';

/** `aico inbox …` */
export const commands: PluginCommands = {
  register(inbox: Command, context) {
    inbox
      .command('import')
      .description('import mail; what is there already is left as it is')
      .argument('<paths...>', 'mbox files, .eml files, or folders of them')
      .action((paths: readonly string[]) => importMail(context, paths));

    inbox
      .command('search')
      .description('find messages that have all of the words')
      .argument('<words...>')
      .option('-n, --limit <count>', 'at most so many', count, 20)
      .option('--fts5', 'the words are a query in the syntax of FTS5: AND, OR, NEAR, subject:…')
      .action(async (words: readonly string[], { limit, fts5 }: { limit: number; fts5?: boolean }) => {
        const query = new URLSearchParams({ q: words.join(' '), limit: String(limit) });
        if (fts5 === true) query.set('syntax', 'fts5');
        context.output.print(await get(`/api/v1/inbox/search?${query}`, Found), renderPage);
      });

    inbox
      .command('list')
      .description('the newest messages')
      .option('-n, --limit <count>', 'at most so many', count, 20)
      .option('--before <id>', 'the page after this message')
      .action(async ({ limit, before }: { limit: number; before?: string }) => {
        const query = new URLSearchParams({
          limit: String(limit),
          ...(before === undefined ? {} : { before }),
        });
        context.output.print(await get(`/api/v1/inbox/messages?${query}`, Page), renderPage);
      });

    inbox
      .command('read')
      .description('one message')
      .argument('<id>')
      .action(async (id: string) => {
        const path = `/api/v1/inbox/messages/${encodeURIComponent(id)}`;
        context.output.print(await get(path, MailDetail), renderMail);
      });

    async function get<S extends TSchema>(path: string, schema: S) {
      return Value.Parse(schema, await (await context.client()).json(path));
    }
  },
};

function renderPage({ messages, next }: Static<typeof Page>): string {
  if (messages.length === 0) return 'no messages';
  const lines = messages.map(({ id, sentAt, sender, subject, snippet }) => {
    const date = (sentAt ?? '').slice(0, 10).padEnd(10);
    const head = `${String(id).padStart(6)}  ${date}  ${oneLine(sender)}  ${oneLine(subject)}`;
    return snippet === undefined ? head : `${head}\n        ${oneLine(snippet)}`;
  });
  return [...lines, ...(next === undefined ? [] : [`more: --before ${next}`])].join('\n');
}

function renderMail({ sender, recipients, sentAt, subject, text }: MailDetail): string {
  return [
    `From: ${oneLine(sender)}`,
    `To: ${oneLine(recipients)}`,
    `Date: ${sentAt ?? '-'}`,
    `Subject: ${oneLine(subject)}`,
    '',
    text,
  ].join('\n');
}

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 500)
    throw new InvalidArgumentError('A number from 1 to 500.');
  return value;
}
