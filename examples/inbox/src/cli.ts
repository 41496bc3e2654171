import type { PluginCommands } from '@aico/cli/plugin';
import { type Command, InvalidArgumentError } from 'commander';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { importMail } from './cli/import-command.ts';

const Summary = Type.Object({
  id: Type.Integer(),
  subject: Type.String(),
  sender: Type.String(),
  sentAt: Type.Optional(Type.String()),
  snippet: Type.Optional(Type.String()),
});
const Page = Type.Object({ messages: Type.Array(Summary) });
const Detail = Type.Object({ ...Summary.properties, recipients: Type.String(), text: Type.String() });

/** `aico inbox …` */
export const commands: PluginCommands = {
  register(inbox: Command, context) {
    const { output } = context;

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
        output.print(await get(`/api/v1/inbox/search?${query}`, Page), renderPage);
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
        output.print(await get(`/api/v1/inbox/messages?${query}`, Page), renderPage);
      });

    inbox
      .command('read')
      .description('one message')
      .argument('<id>')
      .action(async (id: string) => {
        const path = `/api/v1/inbox/messages/${encodeURIComponent(id)}`;
        output.print(await get(path, Detail), (mail) =>
          [
            `From: ${mail.sender}`,
            `To: ${mail.recipients}`,
            `Date: ${mail.sentAt ?? '-'}`,
            `Subject: ${mail.subject}`,
            '',
          ]
            .concat(mail.text)
            .join('\n'),
        );
      });

    async function get<S extends typeof Page | typeof Detail>(path: string, schema: S) {
      return Value.Parse(schema, await (await context.client()).json(path));
    }
  },
};

function renderPage({ messages }: Type.Static<typeof Page>): string {
  if (messages.length === 0) return 'no messages';
  return messages
    .map(({ id, sentAt, sender, subject, snippet }) => {
      const head = `${String(id).padStart(6)}  ${(sentAt ?? '').slice(0, 10).padEnd(10)}  ${sender}  ${subject}`;
      return snippet === undefined ? head : `${head}\n        ${snippet.replaceAll(/\s+/g, ' ')}`;
    })
    .join('\n');
}

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 500)
    throw new InvalidArgumentError('A number from 1 to 500.');
  return value;
}
