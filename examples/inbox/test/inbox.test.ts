/** The plugin in a whole backend: encrypted database, bus and gateway, all real. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { definePlugin } from '@aico/backend/plugin';
import { createTestBackend, pluginSuite, type TestBackend } from '@aico/backend/testing';
import { type Client, connectLocal } from '@aico/client/local';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { joinFrames } from '../src/frames.ts';
import { filters, messageImported } from '../src/index.ts';
import { MailStore } from '../src/mail-store.ts';

const INBOX = fileURLToPath(new URL('..', import.meta.url));
const MIB = 1_048_576;

const Result = Type.Object({
  status: Type.String(),
  id: Type.Optional(Type.Integer()),
  reason: Type.Optional(Type.String()),
});
const Page = Type.Object({
  messages: Type.Array(
    Type.Object({ id: Type.Integer(), subject: Type.String(), snippet: Type.Optional(Type.String()) }),
  ),
  next: Type.Optional(Type.Integer()),
});
const Stats = Type.Object({ messages: Type.Integer(), bytes: Type.Integer() });
const Health = Type.Object({ checks: Type.Object({ inbox: Type.Object({ status: Type.String() }) }) });

const mail = (subject: string, body = 'Nothing more.', date = 'Thu, 22 Aug 2002 12:00:00 +0000'): Buffer =>
  Buffer.from(
    `From: A <a@example.org>\nMessage-ID: <${subject}@example.org>\nSubject: ${subject}\nDate: ${date}\n\n${body}\n`,
  );

/** Refuses chain letters, and labels messages about them. */
const chainLetters = definePlugin({
  name: 'chain_letters',
  version: '1.0.0',
  description: 'Filters chain letters',
  fills: [filters],
  start(plugin) {
    plugin.fill(filters, {
      judge({ subject }) {
        if (subject.startsWith('Forward this')) return { refuse: 'a chain letter' };
        return subject.includes('chain letter') ? { labels: ['chain-letter'] } : undefined;
      },
    });
  },
});

describe('the inbox in a backend', () => {
  let backend: TestBackend;
  let client: Client;

  before(async () => {
    backend = await createTestBackend({
      plugins: [INBOX, chainLetters],
      config: { 'plugins.inbox.max_message_mib': 1 },
    });
    client = connectLocal({ socketPath: backend.socket });
  });
  after(async () => {
    await client.close();
    await backend.stop();
  });

  async function post(body: Uint8Array): Promise<{ status: number; body: unknown }> {
    const answer = await client.fetch('/api/v1/inbox/import', {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body,
    });
    return { status: answer.status, body: await answer.json() };
  }

  async function importAll(...messages: readonly Buffer[]): Promise<Type.Static<typeof Result>[]> {
    const { body } = await post(joinFrames(messages));
    return Value.Parse(Type.Object({ results: Type.Array(Result) }), body).results;
  }

  const page = async (path: string) => Value.Parse(Page, await client.json(`/api/v1/inbox/${path}`));
  const subjects = async (path: string): Promise<string[]> =>
    (await page(path)).messages.map(({ subject }) => subject);
  const stats = async () => Value.Parse(Stats, await client.json('/api/v1/inbox/stats'));
  const status = async (path: string): Promise<number> =>
    (await client.fetch(`/api/v1/inbox/${path}`)).status;

  test('each message of a batch gets its own answer, and an invalid one does not affect the others', async () => {
    const results = await importAll(
      mail('First'),
      Buffer.from('this is no mail'),
      mail('Second'),
      Buffer.alloc(MIB + 1, 'x'),
      mail('First'),
      Buffer.alloc(0),
    );
    assert.deepEqual(
      results.map((result) => result.status),
      ['imported', 'refused', 'imported', 'refused', 'duplicate', 'refused'],
    );
    assert.equal(results[4]?.id, results[0]?.id);
    assert.match(results[1]?.reason ?? '', /no headers/);
    assert.match(results[3]?.reason ?? '', /1\.0 MiB/);
  });

  test('importing twice adds nothing', async () => {
    const batch = Array.from({ length: 30 }, (_, index) => mail(`Twice ${index}`));
    await importAll(...batch);
    const before = await stats();
    const again = await importAll(...batch);
    assert.ok(again.every((result) => result.status === 'duplicate'));
    assert.deepEqual(await stats(), before);
  });

  test('two concurrent imports of the same mail store it once', async () => {
    const batch = Array.from({ length: 20 }, (_, index) => mail(`At once ${index}`));
    const before = await stats();
    const results = await Promise.all([importAll(...batch), importAll(...batch), importAll(...batch)]);
    const imported = results.flat().filter((result) => result.status === 'imported');
    assert.equal(imported.length, batch.length);
    assert.equal((await stats()).messages, before.messages + batch.length);
  });

  test('each imported message is announced once, when it is readable', async () => {
    const bus = backend.container.getService('message_bus');
    const heard: { id: number; messageId?: string; subject: unknown }[] = [];
    const subscription = await bus.subscribe(messageImported, async (_topic, { id, messageId }) => {
      const found = await client.json(`/api/v1/inbox/messages/${id}`);
      const { subject } = Value.Parse(Type.Object({ subject: Type.String() }), found);
      heard.push({ id, subject, ...(messageId === undefined ? {} : { messageId }) });
    });
    const results = await importAll(mail('Announced'), mail('Announced'), Buffer.from('no'), mail('Too'));
    await backend.whenIdle();
    await subscription.unsubscribe();
    assert.deepEqual(heard, [
      { id: results[0]?.id, messageId: '<Announced@example.org>', subject: 'Announced' },
      { id: results[3]?.id, messageId: '<Too@example.org>', subject: 'Too' },
    ]);
    assert.equal(subscription.stats.failed, 0);
  });

  test('the list is sorted from new to old in pages, without gaps and repetitions', async () => {
    const all: number[] = [];
    let path = 'messages?limit=7';
    for (;;) {
      const { messages, next } = await page(path);
      all.push(...messages.map(({ id }) => id));
      if (next === undefined) break;
      path = `messages?limit=7&before=${next}`;
    }
    assert.equal(all.length, (await stats()).messages);
    assert.equal(new Set(all).size, all.length);
    await importAll(
      mail('Newest', '', 'Fri, 1 Jan 2100 00:00:00 +0000'),
      mail('Without a date', '', 'never'),
    );
    assert.deepEqual(await subjects('messages?limit=1'), ['Newest']);
  });

  test('a search ignores accents, finds parts of words if requested, and shows where it matched', async () => {
    await importAll(mail('Käse', 'Der Höhlenkäse reift im Keller.'));
    const [found] = (await page('search?q=hohlenkase%20keller')).messages;
    assert.equal(found?.subject, 'Käse');
    assert.match(found?.snippet ?? '', /\[Höhlenkäse\]/);
    assert.deepEqual(await subjects('search?q=hohlen*'), ['Käse']);
    assert.deepEqual(await subjects('search?q=hohlen'), []);
  });

  test('mail that an earlier version stored is found in every script once it has been marked', async () => {
    const database = backend.container.getService('database');
    await database.transaction(async (tx) => {
      for (let n = 0; n < 250; n += 1)
        await tx.execute(
          `INSERT INTO inbox_messages
             (sha256, subject, sender, recipients, sent_at, imported_at, attachments, size, text, raw)
           VALUES (randomblob(32), ?, '', '', 0, 0, 0, 1, '明日の会議は三時からです', x'00')`,
          [`Older ${n}`],
        );
      await tx.execute('UPDATE inbox_totals SET unmarked_to = (SELECT max(id) FROM inbox_messages)');
    });
    const found = `search?limit=500&q=${encodeURIComponent('会議')}`;
    assert.deepEqual(await subjects(found), []);
    const store = new MailStore(database);
    while (await store.markOlder());
    assert.equal((await subjects(found)).length, 250);
    const [first] = (await page(found)).messages;
    assert.match(first?.snippet ?? '', /明日の\[会議\]は三時からです/);
    await database.execute("DELETE FROM inbox_messages WHERE subject LIKE 'Older %'");
    assert.deepEqual(await subjects(found), []);
  });

  test('a filter of another plugin refuses a message or labels it, and is not asked about one that is stored', async () => {
    const batch = [mail('Forward this to ten friends'), mail('Yet another chain letter'), mail('Lunch')];
    const [refused, labelled, other] = await importAll(...batch);
    assert.deepEqual(refused, { status: 'refused', reason: 'a chain letter' });
    const labels = Type.Object({ labels: Type.Array(Type.String()) });
    const read = async (id = 0) =>
      Value.Parse(labels, await client.json(`/api/v1/inbox/messages/${id}`)).labels;
    assert.deepEqual([await read(labelled?.id), await read(other?.id)], [['chain-letter'], []]);
    const again = await importAll(...batch);
    assert.deepEqual(
      again.map(({ status }) => status),
      ['refused', 'duplicate', 'duplicate'],
    );
  });

  test('no text of a search is interpreted as syntax of the index', async () => {
    for (const query of [
      '"',
      '*',
      '***',
      'a OR',
      'NEAR(',
      'subject:',
      '-',
      "'; DROP TABLE x",
      '\0',
      '""',
      '(',
      '^a',
      'a"b*',
    ]) {
      assert.equal(await status(`search?q=${encodeURIComponent(query)}`), 200, query);
    }
  });

  test('a search in the syntax of FTS5 can name columns, and an invalid one is answered with 400', async () => {
    assert.deepEqual(await subjects('search?syntax=fts5&q=subject%3Akase%20NOT%20first'), ['Käse']);
    for (const query of ['"', 'a OR', 'nosuchcolumn:a', 'NEAR(', '*']) {
      const path = `/api/v1/inbox/search?syntax=fts5&q=${encodeURIComponent(query)}`;
      const answer = await client.fetch(path);
      assert.equal(answer.status, 400, query);
      assert.match(await answer.text(), /AICO_INBOX_SEARCH/);
    }
  });

  test('the bytes of a message are returned unchanged', async () => {
    const raw = Buffer.concat([mail('Raw'), Buffer.from([0, 255, 13, 10, 128])]);
    const [result] = await importAll(raw);
    const answer = await client.fetch(`/api/v1/inbox/messages/${result?.id}/raw`);
    assert.equal(answer.headers.get('content-type'), 'message/rfc822');
    assert.deepEqual(Buffer.from(await answer.arrayBuffer()), raw);
  });

  test('invalid requests are refused, and store nothing', async () => {
    const before = await stats();
    assert.equal((await post(Buffer.from([0, 0, 0, 9, 1]))).status, 400);
    assert.equal((await post(joinFrames(Array.from({ length: 1_001 }, () => Buffer.alloc(0))))).status, 413);
    assert.equal((await post(Buffer.alloc(10 * MIB))).status, 413);
    for (const path of [
      'messages/0',
      'messages/x',
      'messages?limit=0',
      'messages?limit=501',
      'search',
      'search?q=',
    ]) {
      assert.equal(await status(path), 400, path);
    }
    assert.equal(await status('messages/999999999'), 404);
    assert.equal(await status('messages/999999999/raw'), 404);
    assert.deepEqual(await stats(), before);
  });

  test('an empty import is answered with empty results', async () => {
    assert.deepEqual(await importAll(), []);
  });

  test('it is healthy until the index lacks the newest message', async () => {
    const health = async (): Promise<string> =>
      Value.Parse(Health, await (await client.fetch('/api/v1/health')).json()).checks.inbox.status;
    assert.equal(await health(), 'healthy');
    const database = backend.container.getService('database');
    const [newest] = (
      await database.execute('SELECT id, subject, sender, text FROM inbox_messages ORDER BY id DESC LIMIT 1')
    ).rows;
    await database.execute(
      `INSERT INTO inbox_search (inbox_search, rowid, subject, sender, text) VALUES ('delete', :id, :subject, :sender, :text)`,
      newest,
    );
    assert.equal(await health(), 'unhealthy');
  });
});

pluginSuite(INBOX, {
  use: async (backend) => {
    await using client = connectLocal({ socketPath: backend.socket });
    await client.json('/api/v1/inbox/import', {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: joinFrames([mail(`Of the suite ${performance.now()}`)]),
    });
  },
});
