/** Every mailbox of the list, imported by the command into a whole backend; the README's table says the same. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { CommandContext } from '@aico/backend/plugin';
import { createTestBackend, createTestHome, type TestBackend, type TestHome } from '@aico/backend/testing';
import { type Client, connectLocal } from '@aico/client/local';
import { Value } from 'typebox/value';
import { type ImportSummary, importMail } from '../src/cli/import-command.ts';
import { Found, Page } from '../src/replies.ts';
import { HOSTILE_MAILBOXES, type HostileMailbox } from './hostile-mailboxes.ts';

const INBOX = fileURLToPath(new URL('..', import.meta.url));

function write(folder: string, { files }: HostileMailbox): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of files) {
    const place = Buffer.concat([Buffer.from(folder + path.sep), Buffer.from(name)]);
    if (typeof content === 'string' || Buffer.isBuffer(content)) writeFileSync(place, content);
    else if ('link' in content) symlinkSync(content.link, place);
    else mkdirSync(place);
  }
}

test('there are enough mailboxes, each with a unique name', () => {
  assert.ok(HOSTILE_MAILBOXES.length >= 60);
  assert.equal(new Set(HOSTILE_MAILBOXES.map(({ name }) => name)).size, HOSTILE_MAILBOXES.length);
});

test('the table in the README describes the result for each', () => {
  const rows = HOSTILE_MAILBOXES.map(
    ({ name, does, imported, refused = 0, skipped = 0 }) =>
      `| ${name} | ${does} | ${imported.length} | ${refused} | ${skipped} |`,
  );
  const readme = readFileSync(path.join(INBOX, 'README.md'), 'utf8').replaceAll(/ +\|/g, ' |');
  for (const row of rows) assert.ok(readme.includes(row), `examples/inbox/README.md lacks: ${row}`);
});

describe('a hostile mailbox', () => {
  let backend: TestBackend;
  let home: TestHome;
  let client: Client;

  before(async () => {
    backend = await createTestBackend({ plugins: [INBOX], config: { 'plugins.inbox.max_message_mib': 1 } });
    client = connectLocal({ socketPath: backend.socket });
    home = await createTestHome();
  });
  after(async () => {
    await client.close();
    await backend.stop();
    await home.remove();
  });

  async function importFolder(folder: string): Promise<{ summary: ImportSummary; failed: boolean }> {
    let printed: ImportSummary | undefined;
    const context: CommandContext = {
      client: async () => client,
      output: {
        json: true,
        print: (value) => {
          printed = value as ImportSummary;
        },
        note: () => undefined,
        progress: () => ({ update: () => undefined, stop: () => undefined }),
      },
    };
    await importMail(context, [folder]);
    const failed = process.exitCode === 1;
    process.exitCode = undefined;
    assert.ok(printed);
    return { summary: printed, failed };
  }

  for (const mailbox of HOSTILE_MAILBOXES) {
    const { name, does, imported, refused = 0, skipped = 0, finds, sentAt } = mailbox;
    test(`${name}: ${does}`, async () => {
      const folder = path.join(home.folder, name);
      write(folder, mailbox);
      const { summary, failed } = await importFolder(folder);
      const { refusals, reasons, ...counts } = summary;
      const found = imported.length + refused + skipped;
      assert.deepEqual(
        counts,
        { found, imported: imported.length, duplicate: 0, refused, skipped },
        JSON.stringify({ refusals, reasons }),
      );
      assert.equal(failed, found > 0 && imported.length === 0, 'exit code 1 where nothing was imported');
      assert.equal(refusals.length, refused);
      assert.equal(
        Object.values(reasons).reduce((sum, count) => sum + count, 0),
        skipped,
      );
      const page = Value.Parse(Page, await client.json('/api/v1/inbox/messages?limit=500'));
      const stored = page.messages.filter(({ subject }) => imported.includes(subject));
      assert.deepEqual(stored.map(({ subject }) => subject).toSorted(), imported.toSorted());
      if (name.startsWith('date-')) assert.equal(stored[0]?.sentAt, sentAt);
      if (finds !== undefined) {
        const path = `/api/v1/inbox/search?q=${encodeURIComponent(finds)}&limit=500`;
        const { messages } = Value.Parse(Found, await client.json(path));
        assert.ok(
          messages.some(({ subject }) => imported.includes(subject)),
          `a search for ${finds} does not find it`,
        );
      }
    });
  }
});
