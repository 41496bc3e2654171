/**
 * `npm run demo`: the tour, on public mail, in a temporary home. `npm run demo -- --mbox FILE` takes your own. Ends with
 * exit code 0 only if every step had the result that it claims.
 */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { CORPUS_MESSAGES, fetchCorpus } from './corpus.ts';
import { tapWire } from './relay.ts';
import { type MailSample, sampleMail } from './sample.ts';
import { filesBelow, scanFor } from './scan.ts';
import { assert, ROOT, Tour } from './steps.ts';

const Summary = Type.Object({
  found: Type.Integer(),
  imported: Type.Integer(),
  duplicate: Type.Integer(),
  refused: Type.Integer(),
  skipped: Type.Integer(),
});
const Health = Type.Object({
  status: Type.String(),
  checks: Type.Record(Type.String(), Type.Object({ status: Type.String() })),
});
const Page = Type.Object({
  messages: Type.Array(Type.Object({ id: Type.Integer(), subject: Type.String() })),
});
const Rows = Type.Object({ rows: Type.Array(Type.Object({ messages: Type.Integer() })) });

const Addresses = Type.Object({ addresses: Type.Object({ http: Type.String() }) });
const Pairing = Type.Object({ code: Type.String() });

/** Parts of every request and reply that an eavesdropper would recognise if the wire were not encrypted. */
const TRACES = [
  '/api/v1/inbox',
  'application/json',
  'content-type',
  'HTTP/1.1 200 OK',
  'messages',
  'last-event-id',
];

const { values } = parseArgs({ options: { mbox: { type: 'string' } } });

try {
  await using tour = await Tour.begin();
  await using wires = new AsyncDisposableStack();
  await show(tour, wires);
  tour.say('\nEvery step was true. The home is removed, the backend is stopped.');
} catch (error) {
  const { message, cause } = error instanceof Error ? error : new Error(String(error));
  const why = cause instanceof Error ? (cause.stack ?? cause.message) : '';
  process.stderr.write(`\ndemo: ${message}\n${why}\n`);
  process.exitCode = 1;
}

async function show(tour: Tour, wires: AsyncDisposableStack): Promise<void> {
  const { path: mail, sample } = await tour.step(
    values.mbox === undefined ? 'Fetch the public SpamAssassin mail corpus' : 'Take your own mail',
    async () => {
      const place = values.mbox === undefined ? await fetchCorpus() : path.resolve(values.mbox);
      const found = await sampleMail([place]);
      assert.ok(found.sentences.length > 0, `${place} has no mail that could be looked for`);
      tour.say(`   ${place}`);
      return { path: place, sample: found };
    },
  );

  await tour.step('Start the backend in an empty home', async () => {
    await tour.start();
    const health = Value.Parse(Health, await tour.aicoJson('health'));
    assert.equal(health.status, 'healthy');
    tour.say(
      `   ${Object.keys(health.checks).length} checks, all healthy: ${Object.keys(health.checks).join(', ')}`,
    );
  });

  const wire = await tour.step('Pair another machine, over a wire that is tapped', async () => {
    const { addresses } = Value.Parse(Addresses, await tour.aicoJson('status'));
    const tapped = wires.use(await tapWire(new URL(addresses.http), path.join(tour.scratch, 'wire')));
    const { code } = Value.Parse(Pairing, await tour.aicoJson('device', 'pair'));
    const codeFile = path.join(tour.scratch, 'code');
    await writeFile(codeFile, code, { mode: 0o600 });
    await tour.elsewhere(
      'device',
      'join',
      tapped.address,
      '--as',
      'desk',
      '--name',
      'laptop',
      '--code-file',
      codeFile,
    );
    // The laptop loads the commands of the plugin from its own copy, since it decides itself which code it runs.
    const config = path.join(tour.laptop, 'config', 'config.yaml');
    await writeFile(
      config,
      `plugins:\n  inbox:\n    module: ${JSON.stringify(path.join(ROOT, 'examples/inbox'))}\n`,
    );
    tour.show(await tour.aico('device', 'list'));
    return tapped;
  });

  const first = await tour.step('From there, import every message, and account for each', async () => {
    const summary = Value.Parse(Summary, await tour.elsewhereJson('inbox', 'import', mail, '--via', 'desk'));
    const { found, imported, duplicate, refused, skipped } = summary;
    tour.say(
      `   ${found} found = ${imported} imported + ${duplicate} duplicate + ${refused} refused + ${skipped} skipped`,
    );
    assert.equal(imported + duplicate + refused + skipped, found);
    assert.ok(imported > 0, 'nothing was imported');
    if (values.mbox === undefined) assert.equal(found - skipped, CORPUS_MESSAGES);
    const rows = Value.Parse(
      Rows,
      await tour.aicoJson('db', 'query', 'SELECT count(*) AS messages FROM inbox_messages'),
    );
    assert.equal(rows.rows[0]?.messages, imported, 'the table does not have what was imported');
    return summary;
  });

  await tour.step('Import them again: nothing is added', async () => {
    const again = Value.Parse(Summary, await tour.elsewhereJson('inbox', 'import', mail, '--via', 'desk'));
    tour.say(`   ${again.imported} imported, ${again.duplicate} duplicate, ${again.refused} refused`);
    assert.deepEqual(
      [again.imported, again.duplicate, again.refused],
      [0, first.imported + first.duplicate, first.refused],
    );
  });

  await tour.step('Search', async () => {
    const word = values.mbox === undefined ? 'linux kernel' : sample.word;
    const { messages } = Value.Parse(
      Page,
      await tour.elsewhereJson('inbox', 'search', word, '--via', 'desk'),
    );
    assert.ok(messages.length > 0, `nothing was found for ${word}`);
    tour.show(await tour.elsewhere('inbox', 'search', word, '--limit', '3', '--via', 'desk'));
  });

  await tour.step('The log of this work, read from the encrypted table', async () => {
    const log = await tour.aico('logs', 'tail', '--lines', '8', '--pretty');
    assert.match(log, /inbox\/plugin Imported/);
    tour.show(log);
  });

  await tour.step('What runs', async () => {
    tour.show(await tour.aico('status'), 20);
    tour.show(await tour.aico('db', 'status'), 12);
  });

  await tour.step('Nothing that went over the wire can be read', async () => {
    await wires.disposeAsync();
    const canaries = [...sample.sentences, ...sample.subjects, ...TRACES];
    const { bytes, finds } = await scanFor([wire.recording], canaries);
    tour.say(
      `   looked in ${(bytes / 1_048_576).toFixed(1)} MiB for ${sample.sentences.length} sentences, ` +
        `${sample.subjects.length} subjects, paths and headers: ${finds.size} found`,
    );
    assert.deepEqual([...finds], []);
    const opened = await scanFor([wire.recording], ['Upgrade: aico-channel/1']);
    assert.equal(opened.finds.size, 1, 'the tape holds not even what is in the clear: it proves nothing');
  });

  await tour.step('No file of the home holds the mail in the clear', async () => {
    await findNothing(tour, sample);
    const control = await scanFor(sample.files, sample.sentences);
    assert.equal(
      control.finds.size,
      sample.sentences.length,
      'the scan misses what is there: it proves nothing',
    );
    tour.say(`   the same scan finds all ${control.finds.size} of them in the mail itself`);
  });

  await tour.step('Stop, and look again at what is left', async () => {
    tour.show(await tour.aico('stop'));
    await findNothing(tour, sample);
  });
}

async function findNothing(tour: Tour, { sentences }: MailSample): Promise<void> {
  const { files, bytes, finds } = await scanFor(await filesBelow(tour.home), sentences);
  tour.say(
    `   looked in ${files} files, ${(bytes / 1_048_576).toFixed(1)} MiB, for ${sentences.length} sentences ` +
      `and message numbers, as text, UTF-16, base64 and hexadecimal: ${finds.size} found`,
  );
  assert.ok(bytes > 0, 'there was nothing to look in');
  assert.deepEqual([...finds], []);
}
