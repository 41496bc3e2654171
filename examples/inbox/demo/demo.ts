/**
 * `npm run demo`: the tour, on public mail, in a temporary home. `npm run demo -- --mbox FILE` takes your own. Ends with
 * exit code 0 only when every step showed what it says.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Type } from 'typebox';
import { Value } from 'typebox/value';
import { findMailFiles, readMailFile } from '../src/cli/mailboxes.ts';
import { CORPUS_MESSAGES, fetchCorpus } from './corpus.ts';
import { scanFor } from './scan.ts';
import { assert, Tour } from './steps.ts';

const Summary = Type.Object({
  found: Type.Integer(),
  imported: Type.Integer(),
  duplicate: Type.Integer(),
  refused: Type.Integer(),
});
const Health = Type.Object({
  status: Type.String(),
  checks: Type.Record(Type.String(), Type.Object({ status: Type.String() })),
});
const Page = Type.Object({
  messages: Type.Array(Type.Object({ id: Type.Integer(), subject: Type.String() })),
});
const Rows = Type.Object({ rows: Type.Array(Type.Object({ messages: Type.Integer() })) });

/** How many sentences the home is searched for. */
const WANTED = 20;

const { values } = parseArgs({ options: { mbox: { type: 'string' } } });

try {
  await using tour = await Tour.begin();
  await show(tour);
  tour.say('\nEvery step was true. The home is removed, the backend is stopped.');
} catch (error) {
  const { message, cause } = error instanceof Error ? error : new Error(String(error));
  process.stderr.write(
    `\ndemo: ${message}\n${cause instanceof Error ? (cause.stack ?? cause.message) : ''}\n`,
  );
  process.exitCode = 1;
}

async function show(tour: Tour): Promise<void> {
  const paths = await tour.step(
    values.mbox === undefined ? 'Fetch the public SpamAssassin mail corpus' : 'Take your own mail',
    async () => {
      const found = values.mbox === undefined ? await fetchCorpus() : [path.resolve(values.mbox)];
      tour.show(found.join('\n'));
      return found;
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

  const first = await tour.step('Import every message, and account for each', async () => {
    const summary = Value.Parse(Summary, await tour.aicoJson('inbox', 'import', ...paths));
    const { found, imported, duplicate, refused } = summary;
    tour.say(`   ${found} found = ${imported} imported + ${duplicate} duplicate + ${refused} refused`);
    assert.equal(imported + duplicate + refused, found);
    assert.ok(imported > 0, 'nothing was imported');
    if (values.mbox === undefined) assert.equal(found, CORPUS_MESSAGES);
    const rows = Value.Parse(
      Rows,
      await tour.aicoJson('db', 'query', 'SELECT count(*) AS messages FROM inbox_messages'),
    );
    assert.equal(rows.rows[0]?.messages, imported, 'the table does not have what was imported');
    return summary;
  });

  await tour.step('Import them again: nothing is added', async () => {
    const again = Value.Parse(Summary, await tour.aicoJson('inbox', 'import', ...paths));
    tour.say(`   ${again.imported} imported, ${again.duplicate} duplicate, ${again.refused} refused`);
    assert.deepEqual(
      [again.imported, again.duplicate, again.refused],
      [0, first.imported + first.duplicate, first.refused],
    );
  });

  await tour.step('Search', async () => {
    const word = values.mbox === undefined ? 'linux kernel' : await frequentWord(paths);
    const { messages } = Value.Parse(Page, await tour.aicoJson('inbox', 'search', word));
    assert.ok(messages.length > 0, `nothing was found for ${word}`);
    tour.show(await tour.aico('inbox', 'search', word, '--limit', '3'));
  });

  await tour.step('The log of this work, read from the encrypted table', async () => {
    const log = await tour.aico('logs', 'tail', '--lines', '8');
    assert.match(log, /inbox\/plugin Imported/);
    tour.show(log);
  });

  await tour.step('What runs', async () => {
    tour.show(await tour.aico('status'), 20);
    tour.show(await tour.aico('db', 'status'), 12);
  });

  await tour.step('No file of the home holds a sentence of the mail in the clear', () =>
    lookForMail(tour, paths),
  );

  await tour.step('Stop', async () => {
    tour.show(await tour.aico('stop'));
    await lookForMail(tour, paths);
  });
}

/** Scans the home for sentences that are in the mail; and shows that the same scan finds them where they are. */
async function lookForMail(tour: Tour, paths: readonly string[]): Promise<void> {
  const sentences = await sentencesOf(paths);
  assert.ok(sentences.length > 0, 'the mail has no sentence to look for');
  const home = await scanFor(tour.home, sentences);
  tour.say(
    `   ${home.files} files, ${(home.bytes / 1_048_576).toFixed(1)} MiB, ${sentences.length} sentences: ${home.finds.length} found`,
  );
  assert.ok(home.bytes > 0, 'there was nothing to scan');
  assert.deepEqual(home.finds, []);

  const control = await mkdtemp(path.join(tmpdir(), 'aico-demo-control-'));
  try {
    await writeFile(path.join(control, 'plain'), `x${sentences.join('\n')}`);
    await writeFile(path.join(control, 'base64'), Buffer.from(sentences.join('\n')).toString('base64'));
    const found = await scanFor(control, sentences);
    assert.equal(
      new Set(found.finds.map(({ file, sentence }) => file + sentence)).size,
      2 * sentences.length,
    );
    tour.say(
      `   the same scan finds all ${sentences.length} in a file that has them, and in one that has them as base64`,
    );
  } finally {
    await rm(control, { recursive: true, force: true });
  }
}

/** Lines of plain text from messages all over the mail: long enough to be nobody else's. */
async function sentencesOf(paths: readonly string[]): Promise<readonly string[]> {
  const { files } = await findMailFiles(paths);
  const step = Math.max(1, Math.floor(files.length / (2 * WANTED)));
  const sentences = new Set<string>();
  for (let index = 0; index < files.length && sentences.size < WANTED; index += step) {
    const file = files[index];
    if (file === undefined) continue;
    for await (const found of readMailFile(file, 1_048_576)) {
      if (found.kind !== 'message') continue;
      const body = found.raw
        .toString('latin1')
        .split(/\r?\n\r?\n/)
        .slice(1)
        .join('\n\n');
      const line = body.split(/\r?\n/).find((text) => /^[A-Z][a-z]+ [\w ,']{30,70}$/.test(text));
      if (line !== undefined) sentences.add(line);
      if (sentences.size >= WANTED) break;
    }
  }
  return [...sentences];
}

/** A word to search for in mail nobody knows: the longest of the first subject. */
async function frequentWord(paths: readonly string[]): Promise<string> {
  const [file] = (await findMailFiles(paths)).files;
  const head = file === undefined ? '' : (await readFile(file.path, 'latin1')).slice(0, 100_000);
  const words = /^Subject: (.*)$/m.exec(head)?.[1]?.match(/[A-Za-z]+/g) ?? [];
  return words.toSorted((a, b) => b.length - a.length)[0] ?? 'the';
}
