import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { MessageBusClient } from '@aico/shared/core/bus';
import { readCredential, ZeroMqTransport } from '@aico/shared/core/bus/zeromq';
import { Aico } from './fixtures/aico.ts';

test('aico bus grants a component access, lists it, renews its key and revokes it at once', async (t) => {
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
  // With --json, following prints no line that it is ready, so the test publishes until a message arrives.
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

test('aico bus refuses an invalid grant, with a hint', async (t) => {
  const aico = await Aico.create(t);
  const nothing = await aico.run(['bus', 'grant', 'journal']);
  assert.notEqual(nothing.code, 0);
  assert.match(nothing.stderr, /hint: .*--publish/);
});

test('a failed aico bus grant leaves neither a grant without its credential nor a credential without its grant', async (t) => {
  const aico = await Aico.create(t, { AICO_CORE__MESSAGE_BUS__BROKER__PORT: '0' });
  await aico.serve();
  const folder = path.join(aico.home, 'credentials');
  await mkdir(folder);
  const file = path.join(folder, 'journal.json');
  const grant = (...options: readonly string[]) =>
    aico.run(['bus', 'grant', 'journal', '--publish', 'notes.>', '--out', file, ...options]);
  const granted = async () => {
    const { grants } = (await aico.run(['bus', 'list', '--json'])).json() as {
      grants: readonly { component: string; publicKey: string }[];
    };
    return grants.map(({ component, publicKey }) => [component, publicKey]);
  };

  await writeFile(file, 'mine');
  const taken = await grant();
  assert.notEqual(taken.code, 0);
  assert.match(taken.stderr, /journal\.json exists already.*\n.*--renew/);
  assert.deepEqual(await granted(), []);
  assert.equal(await readFile(file, 'utf8'), 'mine');

  for (const out of ['', folder]) {
    const { code, stderr } = await grant('--out', out);
    assert.equal(code, 2, stderr);
    assert.match(stderr, /is a folder|it is empty/);
  }
  const nowhere = await grant('--out', path.join(file, 'below.json'));
  assert.notEqual(nowhere.code, 0);
  assert.deepEqual(await granted(), []);

  await rm(file);
  const refused = await grant('--publish', 'a..b');
  assert.notEqual(refused.code, 0);
  const unknown = await grant('--renew');
  assert.match(unknown.stderr, /AICO_BUS_GRANT_UNKNOWN/);
  assert.deepEqual(await readdir(folder), []);
  assert.deepEqual(await granted(), []);

  const first = await grant();
  assert.equal(first.code, 0, first.stderr);
  const credential = await readCredential(file);
  assert.deepEqual(await granted(), [['journal', credential.public_key]]);
  // A folder has the name of the new credential, so it cannot be prepared and the key stays.
  await mkdir(`${file}.new`);
  const blocked = await grant('--renew');
  assert.notEqual(blocked.code, 0);
  assert.deepEqual(await granted(), [['journal', credential.public_key]]);
  assert.deepEqual(await readCredential(file), credential);
  await rm(`${file}.new`, { recursive: true });

  const renewed = await grant('--renew');
  assert.equal(renewed.code, 0, renewed.stderr);
  const now = await readCredential(file);
  assert.notEqual(now.public_key, credential.public_key);
  assert.deepEqual(now.publish, ['notes.>']);
  assert.deepEqual(await granted(), [['journal', now.public_key]]);
  assert.deepEqual(await readdir(folder), ['journal.json']);
});
