import assert from 'node:assert/strict';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { MessageBusClient } from '@aico/shared/core/bus';
import { readCredential, ZeroMqTransport } from '@aico/shared/core/bus/zeromq';
import { Aico } from './fixtures/aico.ts';

test('aico bus lets a process in, shows it, renews its key and sends it away again, at once', async (t) => {
  const aico = await Aico.create(t, { AICO_CORE__MESSAGE_BUS__BROKER__PORT: '0' });
  await aico.serve();
  const file = path.join(aico.home, 'journal.json');
  const granted = await aico.run([
    'bus',
    'grant',
    'journal',
    '--publish',
    'notes.>',
    '--subscribe',
    'ask.*',
    '--out',
    file,
  ]);
  assert.equal(granted.code, 0, granted.stderr);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.ok(!granted.stdout.includes((await readCredential(file)).secret_key));

  const lost = Promise.withResolvers<void>();
  const transport = new ZeroMqTransport({
    credential: await readCredential(file),
    onStatus: ({ name }) => name === 'disconnected' && lost.resolve(),
  });
  const journal = new MessageBusClient({ source: 'journal', transport });
  t.after(() => journal.close());
  await journal.connect();
  await journal.respond('ask.journal', (_topic, message) => ({ heard: message }));

  const answer = await aico.run(['bus', 'request', 'ask.journal', '{"n":1}', '--json']);
  assert.deepEqual(answer.json(), { heard: { n: 1 } });
  const follower = aico.spawn(['bus', 'subscribe', 'notes.*', '--count', '1', '--json']);
  const line = once(follower.stdout ?? follower, 'data').then(([chunk]) => JSON.parse(String(chunk)));
  // It says nothing in JSON when it follows: published until it has been heard.
  let heard: { source: string; data: unknown } | undefined;
  void line.then((value) => (heard = value));
  while (heard === undefined) {
    await journal.publish('notes.created', [7]);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual({ source: heard.source, data: heard.data }, { source: 'journal', data: [7] });
  const { clients } = (await aico.run(['bus', 'clients', '--json'])).json() as {
    clients: { component: string }[];
  };
  assert.deepEqual(
    clients.map(({ component }) => component),
    ['journal'],
  );

  const renewed = await aico.run(['bus', 'grant', 'journal', '--renew', '--out', file]);
  assert.equal(renewed.code, 0, renewed.stderr);
  await lost.promise;
  const again = new MessageBusClient({
    source: 'journal',
    transport: new ZeroMqTransport({ credential: await readCredential(file) }),
  });
  t.after(() => again.close());
  await again.connect();
  await again.publish('notes.created', 8);

  assert.equal((await aico.run(['bus', 'revoke', 'journal'])).code, 0);
  const late = new MessageBusClient({
    source: 'journal',
    transport: new ZeroMqTransport({ credential: await readCredential(file), timeoutMs: 300 }),
  });
  await assert.rejects(late.connect());
  assert.match((await aico.run(['bus', 'list'])).stdout, /No other process/);
});

test('aico bus refuses what cannot be granted, with a hint', async (t) => {
  const aico = await Aico.create(t);
  const nothing = await aico.run(['bus', 'grant', 'journal']);
  assert.notEqual(nothing.code, 0);
  assert.match(nothing.stderr, /--publish/);
});
