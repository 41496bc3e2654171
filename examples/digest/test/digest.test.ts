/** The digest and the inbox in a whole backend whose clock the tests set. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createTestBackend, pluginSuite, type TestBackend, TestClock } from '@aico/backend/testing';
import { connectLocal } from '@aico/client/local';
import { digestReady } from '../src/index.ts';

const DIGEST = fileURLToPath(new URL('..', import.meta.url));
const INBOX = fileURLToPath(new URL('../../inbox', import.meta.url));
const HOUR = 3_600_000;

async function importMail(
  backend: TestBackend,
  ...mails: readonly (readonly [from: string, subject: string, text: string])[]
) {
  await using client = connectLocal({ socketPath: backend.socket });
  const frames = mails.flatMap(([from, subject, text]) => {
    const raw = Buffer.from(`From: ${from}\nSubject: ${subject}\n\n${text}\n`);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(raw.length);
    return [length, raw];
  });
  const reply = await client.fetch('/api/v1/inbox/import', {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: Buffer.concat(frames),
  });
  assert.equal(reply.status, 200);
}

const digests = async (backend: TestBackend): Promise<unknown> => {
  const reply = await backend.request('/api/v1/digest');
  assert.equal(reply.status, 200);
  return reply.json();
};

test('the digest of a day lists its mail once, after the hour of its zone, and counts newsletters', async () => {
  const clock = new TestClock('2026-01-31T20:00:00Z');
  await using backend = await createTestBackend({
    plugins: [INBOX, DIGEST],
    config: {
      'plugins.digest.hour': 7,
      'plugins.digest.zone': 'Asia/Tokyo',
      'plugins.digest.bulk_senders': ['@Shop.example'],
    },
    clock,
  });
  const ready: unknown[] = [];
  await backend.container
    .getService('message_bus')
    .subscribe(digestReady, (_topic, message) => void ready.push(message));
  await importMail(
    backend,
    ['ann@example.org', '明日の会議', 'At nine.'],
    ['news@letters.example', 'Weekly', 'To unsubscribe, write to us.'],
    ['offers@shop.example', 'Offers', 'Everything must go.'],
  );
  await backend.whenIdle();
  // 20:00 in London is 5:00 of the next day in Tokyo.
  await clock.advance(1.9 * HOUR);
  assert.deepEqual(await digests(backend), { digests: [] });
  await clock.advance(0.2 * HOUR);
  const first = {
    day: '2026-02-01',
    messages: [{ id: 1, subject: '明日の会議', sender: 'ann@example.org' }],
    bulk: 2,
  };
  assert.deepEqual(await digests(backend), { digests: [first] });
  await importMail(backend, ['bob@example.org', 'Lunch', 'Friday?']);
  await backend.whenIdle();
  await clock.skip(12 * HOUR);
  assert.deepEqual(await digests(backend), { digests: [first] });
  await clock.skip(12 * HOUR);
  const second = {
    day: '2026-02-02',
    messages: [{ id: 4, subject: 'Lunch', sender: 'bob@example.org' }],
    bulk: 0,
  };
  assert.deepEqual(await digests(backend), { digests: [second, first] });
  await backend.whenIdle();
  assert.deepEqual(ready, [
    { day: '2026-02-01', messages: 3 },
    { day: '2026-02-02', messages: 1 },
  ]);
});

test('mail that was imported while a write failed is in the digest once it is delivered again', async () => {
  const clock = new TestClock('2026-01-01T08:00:00Z');
  await using backend = await createTestBackend({ plugins: [INBOX, DIGEST], clock });
  backend.faults.database.failNextWrite(1, 'digest');
  await importMail(backend, ['ann@example.org', 'Hello', 'World.']);
  await backend.whenIdle();
  await clock.advance(2_000);
  await backend.whenIdle();
  await clock.advance(60_000);
  const { digests: made } = (await digests(backend)) as { digests: { messages: unknown[] }[] };
  assert.equal(made[0]?.messages.length, 1);
});

test('the start fails if the time zone does not exist', async () => {
  const config = { 'plugins.digest.zone': 'Europe/Atlantis' };
  await assert.rejects(createTestBackend({ plugins: [INBOX, DIGEST], config }), /Atlantis/);
});

pluginSuite(DIGEST, {
  plugins: [INBOX],
  use: (backend) => importMail(backend, ['ann@example.org', `Mail ${performance.now()}`, 'Text.']),
});
